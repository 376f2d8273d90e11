"""Run the recognition service: `python -m voxmood_asr`."""

from voxmood_asr.app import create_app
from voxmood_asr.settings import Settings
from voxmood_service import read_settings, serve

settings = read_settings(Settings)
app, loading = create_app(settings)
serve(app, loading, settings, name="voxmood-asr", port=settings.asr_port)
