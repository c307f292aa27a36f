# Everything below runs from a checkout on a machine with Python 3.11+, pip and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: check test campaign lint benchmark

check: $(VENV)/ready
	$(BIN)/tuntap check

test: $(VENV)/ready
	$(BIN)/pytest -n auto -m "not campaign"

campaign: $(VENV)/ready
	$(BIN)/pytest -n auto -m campaign

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: $(VENV)/ready
	$(BIN)/tuntap benchmark

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[prove,test,lint]'
	touch $@
