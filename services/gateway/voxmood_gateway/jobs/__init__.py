"""Jobs: recordings that are taken now and analysed later. routes.py is what callers see, work.py what is done, and
sqlite.py or shared.py where jobs are kept meanwhile, as store.py says."""
