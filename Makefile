# Every target sets up what it needs; nothing but git, make and Python >= 3.11 has to be there.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps
JOBS ?= 2
TESTS := hotspot_pipeline_tests
# how many runs `make verify` kills at random moments
KILLS ?= 100
VERIFY := HOTSPOTS_VERIFY_DIR=$(CURDIR)/build/verify HOTSPOTS_VERIFY_KILLS=$(KILLS)

# several test processes share the cores: their matrices must not wait for each other's threads
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo ui test lint fix bench calibrate verify lock docs clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.runtime: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 found; set PYTHON=/path/to/python3"; exit 1; }
	@echo "setting up $(VENV) (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.lock
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(PIP) -r requirements-dev.lock
	@touch $@

# apart from the other: great-expectations imports pyspark where it finds it
.venv-spark/.done: $(VENV)/.dev requirements-spark.lock
	@test -x .venv-spark/bin/python || $(PYTHON) -m venv .venv-spark
	@.venv-spark/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps -r requirements-spark.lock
	@.venv-spark/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.runtime  ## a fictional force through the whole pipeline
	@$(BIN)/hotspots demo

ui: $(VENV)/.runtime  ## the Dagster UI on this machine, http://127.0.0.1:3000
	@$(BIN)/hotspots ui

test: $(VENV)/.dev  ## lint, types, walls and tests: under 10 minutes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@# folder by folder: what the tests of one share is made once; in their order, since the dear ones come first
	@$(ONE_THREAD) $(BIN)/pytest -q -n $(JOBS) --dist loadscope --no-loadscope-reorder -m "not slow" --hypothesis-profile=steady

lint: $(VENV)/.dev  ## lint, types and walls only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(VENV)/.dev  ## format and mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

bench: $(VENV)/.dev  ## side-by-side runs against what one would use instead
	@$(BIN)/python -m benchmarks

calibrate: $(VENV)/.dev  ## the estimators of effects on a thousand simulated forces: under an hour on two cores
	@$(BIN)/python -m benchmarks.calibration --jobs $(JOBS)

verify: .venv-spark/.done  ## what takes longer: kills, restarts, a county's nights, a browser, Spark; writes docs/verify.md
	@rm -rf build/verify
	@# first and alone: it holds a restarted machine to its seconds
	@$(VERIFY) $(BIN)/pytest -q -m "slow and not spark" $(TESTS)/integration/test_restart.py
	@$(VERIFY) $(BIN)/pytest -q -n $(JOBS) --dist loadgroup -m "slow and not spark" --ignore $(TESTS)/integration/test_restart.py
	@# the examples of `make test` are the same every time; here new ones are looked for
	@$(ONE_THREAD) $(BIN)/pytest -q -n $(JOBS) -m "hypothesis and not slow"
	@$(VERIFY) .venv-spark/bin/pytest -q -m spark
	@$(BIN)/python -m $(TESTS).integration.figures build/verify > build/verify.md
	@mv build/verify.md docs/verify.md

docs: $(VENV)/.runtime  ## write docs/data_dictionary.md, the lineage and the pictures of the simulator
	@$(BIN)/python -m hotspot_pipeline.sql_models.dictionary
	@$(BIN)/python docs/draw_simulator.py

# Needs uv (https://docs.astral.sh/uv/); nobody else does.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras
lock:  ## pin the dependencies again
	$(LOCK) --extra build pyproject.toml -o requirements.lock
	$(LOCK) --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(LOCK) --extra build --extra dev --extra spark -c requirements-dev.lock pyproject.toml -o requirements-spark.lock

clean:  ## remove the environment and everything generated below data/
	rm -rf $(VENV) .venv-spark data/forces data/dagster_home
