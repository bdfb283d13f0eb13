# Everything that is installed goes to .venv; a stamp file there says what is already in it.

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
RUNTIME := $(VENV)/.runtime-installed
EVERYTHING := $(VENV)/.everything-installed
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadscope
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up install test test-all lint format bench docs lock components clean

help:  ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  ARGS="…" is handed on: make up ARGS="--port 5001", make test ARGS="tests/modules -x"'

up: $(RUNTIME)  ## Start the platform with the embedded defaults and print its address
	@$(BIN)/mainspring up $(ARGS)

install: $(EVERYTHING)  ## Make .venv with everything that running, testing and building needs

test: $(EVERYTHING) components  ## Run the tests, real components included
	$(PYTEST) -m "not slow" $(ARGS)

test-all: $(EVERYTHING) components  ## Run every test, the slow ones too
	$(PYTEST) $(ARGS)

lint: $(EVERYTHING)  ## Check style, types and the order of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

format: $(EVERYTHING)  ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(EVERYTHING)  ## Measure side by side with the peers and print one table
	$(BIN)/python -m bench $(ARGS)

docs: $(EVERYTHING)  ## Write the generated pages of docs/ again
	$(BIN)/python scripts/docs.py

lock: $(UV)  ## Pin the dependencies again (ARGS=--upgrade takes newer versions)
	$(LOCK) $(ARGS) --output-file requirements/runtime.txt
	$(LOCK) $(ARGS) --all-extras --group dev --output-file requirements/dev.txt

clean:  ## Remove .venv and the caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

components:
	@sh scripts/setup.sh components

$(UV):
	@sh scripts/setup.sh venv $(VENV)

$(RUNTIME): requirements/runtime.txt pyproject.toml | $(UV)
	@echo "mainspring: installing what running needs"
	@$(INSTALL) --require-hashes --requirement requirements/runtime.txt
	@$(INSTALL) --no-deps --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(EVERYTHING): requirements/dev.txt $(RUNTIME)
	@echo "mainspring: installing what testing and building need"
	@$(INSTALL) --require-hashes --requirement requirements/dev.txt
	@touch $@
