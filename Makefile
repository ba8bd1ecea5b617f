# make demo | test | test-duckdb15 | lint | messages | docs | wheel | wheelhouse | soak | coverage | mutants | bench | figures | pictures | clean — everything happens in .venv and .venv-duckdb15
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VENV15 := .venv-duckdb15

.PHONY: demo test test-duckdb15 lint messages docs wheel wheelhouse soak coverage mutants bench figures pictures clean

demo: $(VENV)/.demo
	$(BIN)/factory-kit demo

test: $(VENV)/.test
	$(BIN)/python -m pytest

# The store and what reads it, with the last DuckDB before 2.0: our fallback while 2.0 is young.
test-duckdb15: $(VENV15)/.test
	$(VENV15)/bin/python -c 'import duckdb; assert duckdb.__version__.startswith("1.5."), duckdb.__version__'
	$(VENV15)/bin/python -m pytest tests/store tests/kpi

lint: $(VENV)/.test
	$(BIN)/python -m pytest tests/house

messages: $(VENV)/.test
	$(BIN)/python .ci/messages.py

# The documentation, in build/docs: open build/docs/index.html. Fails on a warning.
docs: $(VENV)/.docs
	$(BIN)/python -m mkdocs build --strict

wheel: $(VENV)/.test
	$(BIN)/python -m build --wheel

# A folder to install from without internet, for Windows and Linux on x86-64 (1.2 GB). Fewer, or another machine:
# make wheelhouse WHEELHOUSE='--python 3.11 --system linux_aarch64 --extra keyring validate'
wheelhouse: $(VENV)/.test
	$(BIN)/python .ci/wheelhouse.py dist/wheelhouse $(WHEELHOUSE)

# OPC UA for forty minutes under restarts, cuts, black holes and a clock that jumps; then every value is accounted for.
# Modbus for 200,000 requests over lines that lose and flip bytes; then none may be wrong.
soak: $(VENV)/.test
	$(BIN)/python tests/soak.py --minutes 40
	FACTORY_KIT_SOAK_REQUESTS=200000 $(BIN)/python -m pytest -s tests/drivers/test_serial.py -k noisy

# The pure parts (tests/proof.toml): at least 95 % of the branches of each module, and no small mistake in them that no test notices.
# make mutants PARTS="plan time" for some of them; all take about an hour.
coverage mutants: $(VENV)/.test
	$(BIN)/python tests/proof.py $@ $(PARTS)

bench: $(VENV)/.test
	$(BIN)/python benchmarks/run.py all

# The README's table of figures, in both languages, from the committed full runs.
figures: $(VENV)/.test
	$(BIN)/python benchmarks/readme.py

# The pictures of the README, from a demonstration, in docs/pictures. Needs chromium, poppler-utils and a Chinese font.
pictures: $(VENV)/.test
	$(BIN)/python .ci/pictures.py

clean:
	rm -rf $(VENV) $(VENV15) build dist factory-kit-demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Factory Kit needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no virtual environment could be made; on Debian and Ubuntu: apt install python3-venv"; exit 2; }

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[validate]'
	@touch $@

$(VENV)/.docs: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,validate,spark]'
	@touch $@

$(VENV15)/.test: pyproject.toml
	@$(PYTHON) -m venv $(VENV15)
	@$(VENV15)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]' 'duckdb<2'
	@touch $@
