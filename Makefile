# make demo | test | lint | messages | wheel | clean — everything happens in .venv
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint messages wheel bench clean

demo: $(VENV)/.demo
	$(BIN)/factory-kit demo

test: $(VENV)/.test
	$(BIN)/python -m pytest

lint: $(VENV)/.test
	$(BIN)/python -m pytest tests/house

messages: $(VENV)/.test
	$(BIN)/python .ci/messages.py

wheel: $(VENV)/.test
	$(BIN)/python -m build --wheel

bench: $(VENV)/.test
	$(BIN)/python benchmarks/run.py all

clean:
	rm -rf $(VENV) build dist factory-kit-demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Factory Kit needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no virtual environment could be made; on Debian and Ubuntu: apt install python3-venv"; exit 2; }

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[validate]'
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,validate]'
	@touch $@
