# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
DATA ?= data/sentiment
VOICES ?= data/voices
TEXTS = $(abspath $(DATA))
RUNS := $(CURDIR)/runs
SPOKEN = $(if $(wildcard $(RUNS)/spoken/*.dev.csv),--spoken $(RUNS)/spoken)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip --disable-pip-version-check install -qq --constraint constraints.txt
PINNED := $(INSTALL) --build-constraint constraints.txt
LOCAL := -e services/common -e services/asr -e services/sentiment -e services/gateway -e 'clients/python[report]' -e clients/telegram
PROGRAMS := curl redis-server haproxy chromium
FONTS := fonts-dejavu-core  # without any, a browser draws no text
SITE = python -m sphinx --fail-on-warning --keep-going --nitpicky --quiet --fresh-env -c docs . build/site
INPUTS := constraints.txt pyproject.toml $(wildcard services/*/pyproject.toml clients/*/pyproject.toml)
export PATH := $(abspath $(BIN)):$(PATH):/usr/sbin

help:  ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/run models  ## start the services, analyse the demo voices, print their moods
	python -m demo.run

run: $(VENV)/run models  ## run all services on this machine until Ctrl-C
	python -m tools.stack

bot: $(VENV)/run  ## run the Telegram bot beside `make run` (README: five steps)
	honcho run python -m voxmood_telegram

test: $(VENV)/dev models programs  ## every test, the real models and servers included
	python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/dev  ## style, types, known insecure code, packages that fit together, compose file, Dockerfiles, Kubernetes, documentation
	pip check
	ruff check .
	ruff format --check .
	mypy
	check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	hadolint */*/Dockerfile
	mkdir -p runs
	for part in base telegram jobs; do kubectl kustomize deploy/kubernetes/$$part -o runs/$$part.yaml && \
		kubernetes-validate --strict --quiet -k 1.31 -k 1.37 runs/$$part.yaml || exit 1; done
	$(SITE)

docs: $(VENV)/dev  ## make the documentation's site: build/site/index.html
	$(SITE)

models: models/whisper-base/model.bin  ## fetch the speech recognition weights (147 MB)

train: $(VENV)/dev  ## make the classifier anew: make train DATA=folder
	cd services/sentiment && python -m training.base --data $(TEXTS) --out $(RUNS)/base
	cd services/sentiment && python -m training.train --data $(TEXTS) --base $(RUNS)/base --out $(RUNS)/train
	cd services/sentiment && python -m training.export --data $(TEXTS) --checkpoint $(RUNS)/train
	cd services/sentiment && python -m training.baselines --data $(TEXTS) --card
	cd services/sentiment && python -m training.evaluate --data $(TEXTS) $(SPOKEN)

speak: $(VENV)/dev models  ## speak dev sentences and recognise them, for `make eval`: make speak DATA=folder
	$(PINNED) --group voices
	PYTHONPATH=services/sentiment python -m bench.speak --data $(TEXTS)

eval: $(VENV)/dev models  ## measure the models: make eval VOICES=folder DATA=folder (either may be left empty)
	$(if $(VOICES),python -m bench.wer --voices $(VOICES))
	$(if $(DATA),cd services/sentiment && python -m training.evaluate --data $(TEXTS) $(SPOKEN))

bench: $(VENV)/dev models  ## measure speed beside other engines, some hours: make bench (VOICES=folder adds real voices)
	$(PINNED) --group voices
	test -d .venv-bench || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip --disable-pip-version-check install -qq --requirement bench/peers/requirements.txt
	PYTHONPATH=services/sentiment python -m bench.clips $(if $(wildcard $(VOICES)/manifest.csv),--voices $(abspath $(VOICES)))
	.venv-bench/bin/python -m bench.peers.weights
	PYTHONPATH=services/sentiment python -m bench.asr
	PYTHONPATH=services/sentiment python -m bench.sentiment
	PYTHONPATH=services/sentiment python -m bench.path
	PYTHONPATH=services/sentiment python -m bench.floor

fuzz: $(VENV)/dev  ## try to break the decoder and the reading of requests, for ten minutes
	PYTHONPATH=services/sentiment python -m tests.fuzz --seconds 600 --out bench/fuzz.json

audit: $(VENV)/dev  ## ask the vulnerability database about every pinned package (needs the internet)
	$(INSTALL) pip-audit
	pip-audit --requirement constraints.txt --no-deps --disable-pip

key: $(VENV)/run  ## make an API key for somebody: make key NAME=anna
	@python -m voxmood_gateway.keys $(NAME)

up:  ## run in containers
	docker compose up --build --detach --wait

down:  ## stop the containers
	docker compose down

models/whisper-base/model.bin: | $(VENV)/run
	python -m voxmood_asr.weights --to models

programs:  # servers and browsers that tests run beside ours, from Debian
	@for program in $(PROGRAMS); do command -v $$program > /dev/null || missing=yes; done; test -z "$$missing" || \
		(apt-get update -qq && apt-get install -qq -y --no-install-recommends $(PROGRAMS) $(FONTS)) > /dev/null || \
		(echo "The tests need these programs, please install them: $(PROGRAMS)"; exit 1)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade pip

$(VENV)/run: $(INPUTS) | $(BIN)/pip
	$(PINNED) --group run $(LOCAL)
	@touch $@

$(VENV)/dev: $(INPUTS) | $(VENV)/run
	$(PINNED) --group dev -e 'services/sentiment[torch,training]' -e 'clients/python[parquet]'
	@touch $@

.PHONY: help demo run bot test lint docs models train speak eval bench fuzz audit key up down programs
