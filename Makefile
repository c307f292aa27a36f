# Everything below runs from a checkout on a machine with Python 3.11+, pip and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --editable

.PHONY: check test engines campaign lint benchmark

check: $(VENV)/ready
	$(BIN)/tuntap check

# The tests of a file share what they search, so they are run in one process.
test: $(VENV)/ready-for-tests
	$(BIN)/pytest -n auto --dist loadfile -m "not campaign and not engines"

# The search is compared with Z3: all drivers in all scenarios, and random systems.
engines: $(VENV)/ready-for-tests
	$(BIN)/pytest -n auto -m engines

# What takes hours.
campaign: $(VENV)/ready-for-tests
	$(BIN)/pytest -n auto --dist loadfile -m campaign

lint: $(VENV)/ready-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: $(VENV)/ready
	$(BIN)/tuntap benchmark

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) .
	touch $@

$(VENV)/ready-for-tests: $(VENV)/ready
	$(INSTALL) '.[prove,test,lint]'
	touch $@
