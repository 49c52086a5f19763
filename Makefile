# Foretick. `make run` needs Python 3.11+, Node 20+ and make; nothing else.
#
# Every step leaves a stamp under .venv, so that a second call does only what has changed. Settings such as API_PORT=9000
# or VENUES=binance may stand on the command line or in the environment.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
UV     := $(VENV)/bin/uv
STAMPS := $(VENV)/.stamps

MEMBERS      := $(sort $(wildcard libs/*/pyproject.toml services/*/pyproject.toml))
MEMBER_DIRS  := $(MEMBERS:%/pyproject.toml=./%)
KERNELS      := $(shell find libs/quant/src libs/market/src -name '*.py' 2>/dev/null)
WEB_SOURCES  := $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json -type f 2>/dev/null)

# Bytecode makes every start faster, whatever the caller's shell says.
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV
MAKEFLAGS += --no-print-directory --no-builtin-rules
say = @echo 'foretick:'

.DEFAULT_GOAL := help
.PHONY: help setup run test test-python test-web prove check bench web spec lock doctor clean FORCE
.SUFFIXES:
.DELETE_ON_ERROR:

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- environment ----------------------------------------------------------------------------------------------------

setup: $(STAMPS)/members $(STAMPS)/bytecode $(STAMPS)/kernels web/dist/index.html ## Build the environment and the web app

$(VENV)/pyvenv.cfg:
	@$(PYTHON) scripts/check_host.py python node
	$(say) 'creating the environment in $(VENV)'
	@$(PYTHON) -m venv $(VENV)

$(STAMPS)/uv: requirements.lock scripts/lock_entry.py | $(VENV)/pyvenv.cfg
	@mkdir -p $(STAMPS)
	$(say) 'installing uv'
	@$(PY) scripts/lock_entry.py uv > $(STAMPS)/uv.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(STAMPS)/uv.txt
	@touch $@

$(STAMPS)/packages: requirements.lock $(STAMPS)/uv
	$(say) 'installing the locked packages'
	@$(UV) pip sync --quiet --python $(PY) --require-hashes --compile-bytecode requirements.lock
	@touch $@

$(STAMPS)/members: $(MEMBERS) $(STAMPS)/packages
	$(say) 'installing the members'
	@$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation $(MEMBER_DIRS:%=-e %)
	@touch $@

$(STAMPS)/bytecode: $(STAMPS)/members FORCE
	@$(PY) -m compileall -q libs services

$(STAMPS)/kernels: $(KERNELS) $(STAMPS)/members
	$(say) 'compiling the kernels'
	@$(PY) -m foretick.launcher warm
	@touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	@$(PYTHON) scripts/check_host.py node
	$(say) 'installing the web packages'
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: $(WEB_SOURCES) web/node_modules/.package-lock.json
	$(say) 'building the web app'
	@cd web && npm run --silent build
	@touch $@

FORCE:

# ---- the commands ---------------------------------------------------------------------------------------------------

run: setup ## Start everything and print the address; REPLAY=<file> REPLAY_FROM=0:10:00 shows a recording, VENUES=binance the real market
	@exec $(PY) -m foretick.launcher up

web: web/dist/index.html ## Build the web app

test: test-python test-web ## Run the tests of Python and web, on real NATS, PostgreSQL and Chromium

test-python: setup
	@sh scripts/ensure_chromium.sh
	@$(PY) -m pytest

test-web: web/node_modules/.package-lock.json
	@cd web && npm test --silent

prove: setup ## Run the long proofs: kills, fuzz, nulls, soaks
	@sh scripts/ensure_chromium.sh
	@$(PY) -m pytest -v -s --timeout=3600 tests/prove

bench: setup ## Print the figures; ONLY=<id> prints one
	@$(PY) -m bench $(ONLY)

check: $(STAMPS)/members web/node_modules/.package-lock.json ## Format, lint, types, import directions, dependencies, sizes, spec drift
	@$(PY) scripts/check.py $(ONLY)

spec: $(STAMPS)/members web/node_modules/.package-lock.json ## Regenerate AsyncAPI and the web app's types from the contracts
	@$(PY) scripts/generate_spec.py
	@cd web && npm run --silent contracts

lock: $(STAMPS)/uv ## Compile requirements.lock from the members' dependencies
	@sh scripts/compile_lock.sh $(UV) $(MEMBERS)

doctor: ## Say what is wrong on this machine and what to do
	@$(PYTHON) scripts/check_host.py python node make
	@if [ -x $(PY) ]; then exec $(PY) -m foretick.launcher doctor; else echo 'no environment yet: make setup'; fi

clean: ## Remove what was built; ALL=1 removes the data as well
	@rm -rf $(VENV) web/node_modules web/dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache test-results
	@find libs services scripts tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
	@if [ -n "$(ALL)" ]; then rm -rf .foretick; fi
