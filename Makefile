# Every command that people, CI and editors use. `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
# Targets such as `make down up` depend on their order, also where MAKEFLAGS has -j.
.NOTPARALLEL:

ifndef PYTHON
PYTHON := $(firstword $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done))
endif
BIN := .venv/bin
STACK := $(BIN)/python -m deploy.stack
SOURCES := $(wildcard libs services tests deploy bench loadtest spec)

.PHONY: help python setup servers observers up down ps logs open demo scale kill-worker rebuild quarantine verify \
	check fmt docs dashboards test test-unit test-integration test-e2e test-dashboard test-peers test-one coverage test-containers fuzz load load-ui bench bench-dashboard screenshots simulate mutants mutate model chaos crash-storage \
	lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  \033[36m%-18s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

python:
	@test -n "$(PYTHON)" || { echo "Please install Python 3.11 or newer, or name one: make PYTHON=..." >&2; exit 1; }

# --- Run ---------------------------------------------------------------------------------------

setup: python ## Install the Python packages into .venv, where they are missing
	@$(PYTHON) -m deploy.install

up: setup ## Start the stack and print its addresses (RUNTIME=docker|native decides how)
	@$(STACK) up

down: setup ## Stop the stack; its data stays
	@$(STACK) down

ps: setup ## Show each process and its health
	@$(STACK) ps

logs: setup ## Follow the logs (s=worker for one service)
	@$(STACK) logs $(s)

open: setup ## Print all addresses, and open the first page in a browser
	@$(STACK) open

demo: setup ## Run a job, kill its worker in the middle, and check that nothing was lost
	@$(BIN)/python -m deploy.demo

scale: setup ## Run n workers (n=4)
	@test -n "$(n)" || { echo "How many? make scale n=4" >&2; exit 2; }
	@$(STACK) scale $(n)

kill-worker: setup ## Kill a worker as a crash would (w=worker-2 chooses one)
	@$(STACK) kill-worker $(w)

rebuild: setup ## Write the audit trail and the other read models again, from the journal
	@$(STACK) rebuild

quarantine: setup ## Show quarantined messages and the reasons
	@$(BIN)/python -m deploy.stack.quarantine

verify: setup ## Check from the records of this stack that all guarantees were kept (ARGS='--lock ledger --html verdict.html')
	@$(BIN)/python -m deploy.stack.verify $(ARGS)

# --- Check -------------------------------------------------------------------------------------

check: setup ## Check format, lint, types and import rules; needs no servers
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@MYPYPATH=. $(BIN)/mypy --explicit-package-bases $(SOURCES)
	@$(BIN)/lint-imports

fmt: setup ## Format the code and apply automatic fixes
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

servers: setup ## Install RabbitMQ, Azurite, Prometheus and Chromium, which the tests start
	@$(BIN)/python -m deploy.servers

observers: setup ## Compile Jaeger and the Collector with Go, where Docker is not there (once; some minutes)
	@$(BIN)/python -m deploy.observers

#: Tests against servers of their own.
SERVED = tests/integration tests/conformance

#: Those of real processes that watch telemetry, or install and compile clients: a third of the time of all.
WATCHED = tests/e2e/telemetry tests/e2e/clients tests/e2e/test_dashboards.py

test: check servers ## Run all tests except those with containers or a browser; it starts the servers that they need
	@# Three runs side by side, as they spend most of their time waiting; two are shown when they have ended.
	@logs=$$(mktemp -d); code=0; \
	$(BIN)/pytest $(SERVED) >$$logs/served 2>&1 & served=$$!; \
	( $(BIN)/pytest $(addprefix --ignore ,tests/e2e $(SERVED)); first=$$?; $(BIN)/pytest $(WATCHED) && exit $$first ) \
		>$$logs/others 2>&1 & others=$$!; \
	$(BIN)/pytest tests/e2e $(addprefix --ignore ,tests/e2e/dashboard $(WATCHED)) || code=$$?; \
	wait $$others || code=$$?; wait $$served || code=$$?; cat $$logs/*; rm -r $$logs; exit $$code

test-unit: setup ## Run the tests that need no servers
	@$(BIN)/pytest $(wildcard tests/unit tests/simulation)

test-integration: servers ## Run the tests against a real RabbitMQ and a real Azurite
	@$(BIN)/pytest $(SERVED)

test-e2e: servers ## Run the tests with real processes
	@$(BIN)/pytest tests/e2e --ignore tests/e2e/dashboard

test-dashboard: servers ## Test the dashboard in a real browser, over a stack with jobs of every state
	@$(BIN)/pytest tests/e2e/dashboard

test-peers: servers ## Test the other systems of `make bench`; installs PostgreSQL and Redis
	@$(BIN)/pytest tests/peers

test-one: setup ## Run one file, folder or test (T=tests/unit/turnstile)
	@test -n "$(T)" || { echo "Which? make test-one T=tests/unit/turnstile" >&2; exit 2; }
	@$(BIN)/pytest $(T)

COVERED := coordination turnstile verification

coverage: setup ## Measure which lines and branches the unit tests reach, in the packages that keep the promises
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q $(COVERED:%=tests/unit/%) tests/unit/execution
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
	@for package in $(COVERED); do echo "$$package: $$($(BIN)/coverage report --format total --include "libs/$$package/*") %"; done

test-containers: setup ## Build the images and test the compose stack; needs Docker
	@$(BIN)/pytest tests/containers

fuzz: export FUZZ_EXAMPLES ?= 1000
fuzz: export FUZZ_BODIES ?= 1000000
fuzz: export FUZZ_MESSAGES ?= 5000
fuzz: export FUZZ_NAMES ?= 50000
fuzz: export FUZZ_IDS ?= 500
fuzz: export FUZZ_SEED := $(or $(FUZZ_SEED),$(shell date +%s))
fuzz: servers ## Fuzz all inputs at full size (FUZZ_SEED=7 repeats a run)
	@echo "FUZZ_SEED=$$FUZZ_SEED"
	@$(BIN)/pytest --timeout 5400 --hypothesis-seed $$FUZZ_SEED tests/unit/contracts/test_hostile_names.py tests/integration/fuzz \
		tests/integration/publisher/test_openapi.py

LOAD = $(BIN)/python -m loadtest $(if $(n),--workers $(n)) $(if $(s),--scenario $(s)) $(if $(t),--time $(t)) \
	$(if $(j),--jobs $(j)) $(if $(u),--users $(u)) $(if $(RUNTIME),--runtime $(RUNTIME)) $(if $(filter 1,$(OTEL)),--otel)

load: setup ## Put the stack under load and check the promises (n=8 workers, s=contention, at most t=30s and j=2000 jobs, u=40 users, OTEL=1)
	@$(LOAD)

load-ui: setup ## Start load tests from Locust's web page, which also shows the verdict
	@$(LOAD) --ui

chaos: servers ## Kill and pause real processes, cut connections, lose answers, and check the promises; ten minutes (CASE='kills pauses', SEED=7, WORKERS=8, FULL=1: hours)
	@$(BIN)/python -m tests.chaos $(if $(filter 1,$(FULL)),--full) $(foreach case,$(CASE),--case $(case)) \
		$(if $(SEED),--seed $(SEED)) $(if $(WORKERS),--workers $(WORKERS))

crash-storage: servers ## Kill the local storage in the middle of writes, and check that nothing is lost (KILLS=200 SEED=7)
	@$(BIN)/python -m tests.storage_crashes $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

simulate: setup ## Run seeds of the simulation (SEEDS=2000 FROM=0 JOBS=2)
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),2000) --from $(or $(FROM),0) --jobs $(or $(JOBS),2)

mutants: setup ## Break one guarantee at a time, and show which tests fail (M=part of a name)
	@$(BIN)/python -m tests.mutants $(M)

mutate: setup ## Change the code in small ways, and show the changes that no test notices (P=coordination, CHANGED=1 SINCE=main)
	@$(BIN)/python -m tests.mutation $(P) $(if $(filter 1,$(CHANGED)),--changed) $(if $(SINCE),--since $(SINCE))

model: setup ## Check all states of the protocol's model (QUICK=1; CASE='no fence check' TRAIL=1 prints how it fails, CASE='?' lists all)
	@$(BIN)/python -m spec $(if $(filter 1,$(QUICK)),--quick) $(if $(CASE),--case '$(CASE)') $(if $(filter 1,$(TRAIL)),--trail)

bench: setup ## Compare speed with other systems and with floors, in one run (ARGS='--quick', '--only one-lock --systems turnstile,procrastinate', '--large')
	@$(BIN)/python -m bench $(ARGS)

bench-dashboard: servers ## Measure the dashboard's first paint next to an empty page, and its memory (ARGS='--loads 7 --tabs 10')
	@$(BIN)/python -m bench.dashboard $(ARGS)

screenshots: servers ## Take the pictures of the dashboard that README and docs show
	@$(BIN)/python -m tests.e2e.dashboard.screenshots

# --- Maintain ----------------------------------------------------------------------------------

docs: setup ## Generate the reference pages, build the documentation into site/, check its links (SERVE=1 shows it)
	@$(BIN)/python -m deploy.documentation
	@$(PYTHON) -m deploy.documentation.site $(if $(filter 1,$(SERVE)),--serve)

dashboards: setup ## Generate the dashboards and the alert rules
	@$(BIN)/python -m deploy.dashboards

lock: python ## Write requirements/ from the project files; versions stay unless UPGRADE=1
	@$(PYTHON) -m deploy.install.lock $(if $(filter 1,$(UPGRADE)),--upgrade)

clean: python ## Stop the stack and remove caches, builds and data
	@test ! -x $(BIN)/python || $(STACK) remove-data
	@rm -rf .venv .tools .bench deploy/azurite/node_modules dist site \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .mutation .coverage
	@find . -name __pycache__ -prune -exec rm -rf {} +
