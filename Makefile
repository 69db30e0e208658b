# `make` lists what there is. Every target sets up what it needs, from a clean clone on.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON_BIN := .venv/bin
# ARGS goes to the program behind the target, SERVE=0 ends the demo after its reconciliation.
ARGS ?=
SERVE ?= 1
SIZE ?= 100000
KILLS ?= 10
PEOPLE ?= 3000

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: setup-runtime ## Set up, send to 10,000 people and show the pages (SERVE=0: end after the send)
	@$(PYTHON_BIN)/clarion demo $(if $(filter 0 no false,$(SERVE)),--no-serve) $(ARGS)

.PHONY: test
test: setup-dev ## Run all tests on SQLite and on PostgreSQL (ARGS="-k word" goes to pytest)
	@scripts/install-chromium || true
	@$(PYTHON_BIN)/python scripts/test.py $(ARGS)

.PHONY: lowest
lowest: ## Run the quick tests with the lowest dependency versions that pyproject.toml allows
	@scripts/lowest $(ARGS)

.PHONY: check
check: setup-dev ## Check style, types, imports, migrations, templates, docs, sizes and vendored files
	@$(PYTHON_BIN)/python scripts/check.py $(ARGS)

.PHONY: torture
torture: setup-dev ## Run the crash tests at full size (SIZE=100000 people, KILLS=10)
	@CLARION_TORTURE_SIZE=$(SIZE) CLARION_TORTURE_KILLS=$(KILLS) \
		$(PYTHON_BIN)/python scripts/test.py -n 0 -m crash -s $(ARGS)

.PHONY: traps
traps: setup-dev ## Send to 3,000 people into every trap of accounts, servers and content (PEOPLE=3000)
	@CLARION_TEST_PEOPLE=$(PEOPLE) $(PYTHON_BIN)/python scripts/test.py -n 2 \
		tests/engine/test_traps.py tests/engine/test_trouble.py tests/engine/test_content_watch.py $(ARGS)

.PHONY: bench
bench: setup-dev ## Measure the pipeline beside a bare loop on this machine
	@$(PYTHON_BIN)/clarion bench $(ARGS)

.PHONY: format
format: setup-dev ## Format the code and fix what can be fixed by itself
	@$(PYTHON_BIN)/ruff check --fix .
	@$(PYTHON_BIN)/ruff format .
	@[ ! -x node_modules/.bin/biome ] || node_modules/.bin/biome check --write .

.PHONY: lock
lock: ## Write the lock files anew (ARGS=--upgrade takes newer versions)
	@scripts/lock $(ARGS)

.PHONY: vendor
vendor: setup-dev ## Fetch the web assets at their pinned versions (needs npm)
	@$(PYTHON_BIN)/python scripts/vendor.py fetch

.PHONY: clean
clean: ## Remove what was made here: environment, caches, results, demo data
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf node_modules build dist test-results demo-data
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: setup-runtime setup-dev
setup-runtime:
	@scripts/setup
setup-dev:
	@scripts/setup dev
