# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
DATA ?= data/sentiment
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip --disable-pip-version-check install --quiet --constraint constraints.txt
PINNED := $(INSTALL) --build-constraint constraints.txt
LOCAL := -e services/common -e services/asr -e services/sentiment -e services/gateway -e clients/python
INPUTS := constraints.txt pyproject.toml $(wildcard services/*/pyproject.toml clients/*/pyproject.toml)
export PATH := $(abspath $(BIN)):$(PATH)

help:  ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/run models  ## start the services, analyse the demo voices, print their moods
	python -m demo.run

run: $(VENV)/run models  ## run all services on this machine until Ctrl-C
	python -m tools.stack

test: $(VENV)/dev models  ## every test, the real models and servers included
	python -m pytest

lint: $(VENV)/dev  ## style, types, compose file, Dockerfiles
	ruff check .
	ruff format --check .
	mypy
	check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	hadolint services/*/Dockerfile

models: models/whisper-base/model.bin  ## fetch the speech recognition weights (147 MB)

bench: $(VENV)/dev models  ## compare with what a user would pick instead
	@echo "the comparisons are in bench/: see the first lines of each file"

train: $(VENV)/training  ## train the classifier: make train DATA=folder
	cd services/sentiment && python -m training.base --data $(abspath $(DATA)) --out $(abspath runs/base)
	cd services/sentiment && python -m training.train --data $(abspath $(DATA)) --base $(abspath runs/base) --out $(abspath runs/train)

eval: $(VENV)/dev models  ## word error rate: make eval VOICES=folder with a manifest.csv
	python -m bench.wer --voices $(VOICES)

up:  ## run in containers
	docker compose up --build --detach --wait

down:  ## stop the containers
	docker compose down

models/whisper-base/model.bin: | $(VENV)/run
	python -m voxmood_asr.weights --to models

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade pip

$(VENV)/run: $(INPUTS) | $(BIN)/pip
	$(PINNED) --group run $(LOCAL)
	@touch $@

$(VENV)/dev: $(INPUTS) | $(VENV)/run
	$(PINNED) --group dev -e 'services/sentiment[torch,training]'
	@touch $@

$(VENV)/training: $(INPUTS) | $(VENV)/run
	$(PINNED) -e 'services/sentiment[training]'
	@touch $@

.PHONY: help demo run test lint models bench train eval up down
