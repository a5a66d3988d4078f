# Each target does its own set-up: a virtual environment in .venv, installed again only when requirements change.

PYTHON ?= $(shell scripts/find-python)
BIN := .venv/bin

.DEFAULT_GOAL := run
.PHONY: run demo test bench lint clean

run: .venv/.installed  ## serve; options in ARGS, settings in the environment or .env
	@exec $(BIN)/python run.py $(ARGS)

demo: .venv/.installed  ## serve with simulated upstreams that can be broken from the console
	@exec $(BIN)/python run.py demo $(ARGS)

test: .venv/.installed-dev  ## everything; a selection in ARGS
	@scripts/test-tools
	$(BIN)/python -m pytest $(ARGS)

bench: .venv/.installed-dev  ## compare with bare Flask, pybreaker and backoff
	@$(BIN)/python -m bench $(ARGS)

lint: .venv/.installed-dev  ## style, types and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

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
