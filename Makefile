# Shorthands only: everything is in cps_portal/dev/embedded, which needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
START = $(PYTHON) cps_portal/dev/embedded/bootstrap.py
BIN = .venv/bin

.PHONY: run test test-browser test-races test-wide test-schema test-launcher chaos bench bench-crowd lint install lock clean

run: ## the whole portal on http://localhost:8000 (or PORT=...)
	@$(START) run

test: ## the whole test suite on throw-away servers (ARGS="-k kitbag" chooses)
	@$(START) test $(ARGS)

test-browser: ## in Chromium
	@$(START) test -m browser -n auto --dist worksteal $(ARGS)

test-races: ## real threads against each other
	@$(START) test -m races -n auto $(ARGS)

test-wide: ## every page of the desk, whole worlds, long walks (LEDGER_EXAMPLES=... CHANGES_EXAMPLES=...)
	@$(START) test -m wide -n auto --dist worksteal $(ARGS)

test-schema: export SCHEMA_EXAMPLES ?= 60
test-schema: ## thousands of requests made up from the contract of the API (SCHEMA_EXAMPLES=... of each operation)
	@$(START) test -m schema -n auto $(ARGS)

test-launcher: ## starts, kills and restarts the whole portal
	@$(START) test -m launcher -n auto --dist worksteal $(ARGS)

chaos: install ## 500 Welcome Packs asked for while everything is killed (COUNT=... SEED=...)
	$(BIN)/python -m tests.chaos --count $(or $(COUNT),500) $(if $(SEED),--seed $(SEED))

bench: ## how pages, search and a small crowd's run compare with the plainest thing
	@$(START) test -m bench -s -p no:randomly $(ARGS)

bench-crowd: export BENCH_MEMBERS ?= 200000
bench-crowd: ## a planned change over 200,000 members beside one statement; some ten minutes (BENCH_MEMBERS=...)
	@$(START) test -m bench -s -p no:randomly tests/bench/test_crowd.py $(ARGS)

lint: install ## style, templates, import contracts, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --check --lint templates
	$(BIN)/lint-imports
	$(BIN)/mypy .

install: ## .venv with everything in it
	@$(START) install

lock: ## requirements/*.txt from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(START) lock $(ARGS)

clean: ## throws away the data of `make run`
	@$(START) clean
