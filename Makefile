# Each target does its own set-up: a virtual environment in .venv, installed again only when requirements change.

PYTHON ?= $(shell scripts/find-python)
BIN := .venv/bin

.DEFAULT_GOAL := run
.PHONY: run demo test bench lint conformance model mutation screenshots clean

run: .venv/.installed  ## serve; options in ARGS, settings in the environment or .env
	@exec $(BIN)/python run.py $(ARGS)

demo: .venv/.installed  ## serve with simulated upstreams that can be broken from the console
	@exec $(BIN)/python run.py demo $(ARGS)

test: .venv/.installed-dev  ## everything; a selection in ARGS
	@scripts/test-tools
	@$(BIN)/python -m scripts.run_tests $(ARGS)

bench: .venv/.installed-dev  ## compare with bare Flask, pybreaker and backoff
	@$(BIN)/python -m bench $(ARGS)

lint: .venv/.installed-dev  ## style, types and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

conformance: .venv/.installed-dev  ## the faults of circuit breakers as cases, for this kit and five libraries; writes the table in docs
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/conformance/requirements.txt
	@$(BIN)/python -m tests.conformance --write docs/conformance.md

model: .venv/.installed-dev  ## a million steps of the fleet's state machine on a Redis that fails
	@$(BIN)/python -m tests.model.long --steps 1000000 $(ARGS)

mutation: .venv/.installed-dev  ## faults put into the kit and its fleet, one by one: which does no test see (an hour)
	@$(BIN)/python -m bench.mutation $(ARGS)

screenshots: .venv/.installed-dev  ## the README's pictures, from a demo of their own
	@$(BIN)/python -m scripts.screenshots

clean:  ## remove what the other targets have made, but no data
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Jupiter needs Python 3.11 or newer; install it and run make again."; exit 1; }
	@"$(PYTHON)" -m venv .venv || { rm -rf .venv; echo "Install the package python3-venv and run make again."; exit 1; }

.venv/.installed: requirements.txt | .venv/bin/python
	@echo "Installing what Jupiter needs into .venv (only when requirements change) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo "Installing what Jupiter and its tests need into .venv (only when requirements change) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch .venv/.installed $@
