# Shorthands only: everything is in cps_portal/dev/embedded, which needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
START = $(PYTHON) cps_portal/dev/embedded/bootstrap.py
BIN = .venv/bin

.PHONY: run schema messages backup-rehearsal test test-browser test-races test-wide test-schema test-launcher chaos bench load bench-crowd bench-desk lint install lock clean

run: ## the whole portal on http://localhost:8000 (or PORT=...)
	@$(START) run

test: ## the test suite on temporary servers (ARGS="-k kitbag" for some of it)
	@$(START) test $(ARGS)

test-browser: ## pages in Chromium
	@$(START) test -m browser -n auto --dist worksteal $(or $(ARGS),tests/browser)

test-races: ## race tests: real threads on a real database
	@$(START) test -m races -n auto $(or $(ARGS),tests/concurrency)

test-wide: ## every page of the admin, whole worlds, long random walks (LEDGER_EXAMPLES=... CHANGES_EXAMPLES=... HOURS_STEP=...)
	@$(START) test -m wide -n auto --dist worksteal $(ARGS)

test-schema: export SCHEMA_EXAMPLES ?= 60
test-schema: ## thousands of requests generated from the API contract (SCHEMA_EXAMPLES=... for each operation)
	@$(START) test -m schema -n auto $(or $(ARGS),tests/api tests/sandbox)

test-launcher: ## starts, kills and restarts the whole portal
	@$(START) test -m launcher -n auto --dist worksteal $(ARGS)

backup-rehearsal: install ## fills a database, kills it and restores it to a moment (MEMBERS=...)
	$(BIN)/python -m tests.backup.rehearsal --members $(or $(MEMBERS),5000)

chaos: install ## members request, register and write while everything is killed or frozen (COUNT=... CLIENTS=... ROUNDS=... SEED=... PAUSE=...)
	$(BIN)/python -m tests.chaos --count $(or $(COUNT),500) $(if $(CLIENTS),--clients $(CLIENTS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) $(if $(PAUSE),--pause $(PAUSE))

bench: ## pages, search and the ledger, compared with plain implementations
	@$(START) test -m bench -s -p no:randomly $(or $(ARGS),tests/bench)

load: install ## visits over HTTP until pages are slow, and how many members that carries (MEMBERS=... SECONDS=... RATE=... of the first step)
	$(BIN)/python -m tests.load --members $(or $(MEMBERS),20000) --seconds $(or $(SECONDS),60) --from-rate $(or $(RATE),1)

bench-crowd: export BENCH_MEMBERS ?= 200000
bench-crowd: export DATABASE_LIMITS = command
bench-crowd: ## a planned change over 200,000 members, compared with one SQL statement; about fifteen minutes (BENCH_MEMBERS=...)
	@$(START) test -m bench -s -p no:randomly tests/bench/test_crowd.py $(ARGS)

bench-desk: export BENCH_MEMBERS ?= 200000
bench-desk: export DATABASE_LIMITS = command
bench-desk: ## what the pages of the desk ask of the database with 200,000 members: plans, and no whole table (BENCH_MEMBERS=...)
	@$(START) test -m bench -s -p no:randomly tests/bench/test_desk_pages.py $(ARGS)

schema: export DJANGO_SETTINGS_MODULE = cps_portal.settings.test
schema: install ## makes the dump of the tables anew, after a migration (CHECK=1: compares it with migrating)
	@$(START) with-servers -- $(BIN)/python -m cps_portal.dev.embedded.schema $(if $(CHECK),check,write)

# Needs the programs of gettext, but no database: the command only reads files.
messages: export DJANGO_SETTINGS_MODULE = cps_portal.settings.dev
messages: export DATABASE_URL = postgres://localhost/none
messages: export REDIS_URL = redis://localhost/0
messages: install ## brings the catalogues in locale/ up to date with the texts (CHECK=1: fails if they are not)
	$(BIN)/python manage.py messages $(if $(CHECK),--check)

lint: install ## style, templates, import contracts, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --check --lint templates
	$(BIN)/lint-imports
	$(BIN)/mypy .

install: ## .venv with all requirements
	@$(START) install

lock: ## requirements/*.txt from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(START) lock $(ARGS)

clean: ## deletes the data of `make run`
	@$(START) clean
