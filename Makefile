PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_WORKERS ?= 2

.PHONY: demo test lint format bench golden clean

demo: $(VENV)/.demo
	rm -rf demo && mkdir demo
	$(BIN)/dicomfilter build idc --where "Modality = 'CT' AND BodyPartExamined = 'LIVER'" -o demo/liver-ct.txt
	$(BIN)/dicomfilter summary demo/liver-ct.txt

test: $(VENV)/.dev
	$(BIN)/python -m tests.localcloud.ensure
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

golden: $(VENV)/.dev
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/test_cover.py

bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) demo build dist

$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	touch $@

$(VENV)/.demo: $(VENV)/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	touch $@

$(VENV)/.dev: $(VENV)/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[cloud,demo,notebook]' --group test --group lint
	touch $@ $(VENV)/.demo
