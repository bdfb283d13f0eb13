# Everything that is installed goes to .venv; a stamp file there says what is already in it.

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
RUNTIME := $(VENV)/.runtime-installed
EVERYTHING := $(VENV)/.everything-installed
WEB := src/mainspring/server/web/index.html
UI := $(BIN)/python scripts/ui.py
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadscope
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help up ui install test test-all lint format bench docs screenshots lock components clean

help:  ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  ARGS="…" is handed on: make up ARGS="--port 5001", make test ARGS="tests/modules -x"'

up: $(RUNTIME)  ## Start the platform with the embedded defaults and print its address
	@$(MAKE) --silent $(WEB) || echo "mainspring: going on without the web page" >&2
	@$(BIN)/mainspring up $(ARGS)

ui: $(WEB)  ## Build the web page

install: $(EVERYTHING)  ## Make .venv with everything that running, testing and building needs

test: $(EVERYTHING) $(WEB) components  ## Run the tests, real components included
	$(UI) run test
	$(PYTEST) -m "not slow" $(ARGS)

test-all: $(EVERYTHING) $(WEB) components  ## Run every test, the slow ones too
	$(UI) run test
	$(PYTEST) $(ARGS)

lint: $(EVERYTHING) $(WEB)  ## Check style, types and the order of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	$(UI) run check
	$(UI) run lint

format: $(EVERYTHING)  ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(UI) run format

bench: $(EVERYTHING)  ## Measure side by side with the peers and print one table
	$(BIN)/python -m bench $(ARGS)

docs: $(EVERYTHING)  ## Write the generated pages of docs/ again
	$(BIN)/python scripts/docs.py

screenshots: $(EVERYTHING) $(WEB)  ## Take the pictures of the web page in docs/images again
	$(BIN)/python scripts/screenshots.py $(ARGS)

lock: $(UV)  ## Pin the dependencies again (ARGS=--upgrade takes newer versions)
	$(LOCK) $(ARGS) --output-file requirements/runtime.txt
	$(LOCK) $(ARGS) --all-extras --group dev --output-file requirements/dev.txt

clean:  ## Remove .venv and the caches
	rm -rf $(VENV) ui/node_modules src/mainspring/server/web .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

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

$(WEB): $(shell find ui -type f -not -path '*/node_modules/*' -not -name schema.ts) docs/reference/openapi.json scripts/ui.py | $(UV)
	@echo "mainspring: building the web page"
	@$(UI) build

$(EVERYTHING): requirements/dev.txt $(RUNTIME)
	@echo "mainspring: installing what testing and building need"
	@$(INSTALL) --require-hashes --requirement requirements/dev.txt
	@touch $@
