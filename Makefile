# Each command stands alone: on a fresh clone it first sets up what it needs, inside this folder.
PYTHON ?= python3
BIN := .venv/bin
NODE := $(CURDIR)/.local/node/bin
export SAM_CLI_TELEMETRY := 0

.PHONY: help setup run test test-unit test-integration test-extension test-e2e test-browser test-web soak chaos check audit format lock bench screenshots clean

help:
	@echo "make run     start the stack here, simulate 10,000 drivers, show the live map; Ctrl-C ends all of it"
	@echo "make test    every test"
	@echo "make check   formatting, lint, types, templates, policies, secrets"
	@echo "make audit   known vulnerabilities of what is locked; asks the package index itself"
	@echo "make soak    2,000 viewers and 10,000 drivers for ten minutes, five in which everything breaks, then a flood of"
	@echo "             10,000 subscriptions"
	@echo "make chaos   everything breaks for five minutes, then every accepted ping is accounted for"
	@echo "make bench   the benchmarks"
	@echo "make screenshots   the pictures in docs/"
	@echo "make lock    write the hash-locked requirements anew"
	@echo "make setup   only set up"

setup:
	@$(PYTHON) scripts/bootstrap

run: setup
	@$(BIN)/fleetglow run

# Three suites at a time, for most of them mostly wait; each is shown whole when it ends. The longest begin, so that the
# shortest fill up what is left at the end.
SUITES := test-e2e test-browser test-integration test-extension test-unit test-web
WHOLE := $(if $(filter output-sync,$(.FEATURES)),--output-sync)
test: setup
	@echo "three suites at a time, each shown when it ends: $(SUITES:test-%=%)"
	@$(MAKE) --no-print-directory --jobs=3 --keep-going $(WHOLE) $(SUITES)

test-unit: setup
	$(BIN)/pytest tests/unit

test-web: setup
	cd web && PATH="$(NODE):$$PATH" npm test

test-integration: setup
	$(BIN)/pytest tests/integration

test-extension: setup
	$(BIN)/pytest --rootdir localstack/extension localstack/extension/tests

test-e2e: setup
	$(BIN)/pytest tests/e2e

test-browser: setup
	$(BIN)/pytest tests/browser

# Smaller: make soak SCALE_VIEWERS=200 SCALE_MINUTES=1 SOAK_MINUTES=1 (tests/soak/settings.py has them all).
soak: setup
	$(BIN)/pytest -s tests/soak

# Shorter: make chaos CHAOS_MINUTES=1 (tests/chaos/settings.py has them all).
chaos: setup
	$(BIN)/pytest -s tests/chaos

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy fleetglow functions
	cd localstack/extension && $(CURDIR)/$(BIN)/mypy \
		--python-executable $(CURDIR)/.local/localstack/bin/python localstack_dockerless
	$(BIN)/cfn-lint template.yaml infra/*.yaml
	.local/sam/bin/sam validate --lint --region us-east-1
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive \
		functions fleetglow scripts/* localstack/extension/localstack_dockerless
	$(BIN)/pytest -q $(addprefix tests/unit/test_,policies.py template.py alarms.py secrets.py)
	cd web && PATH="$(NODE):$$PATH" npm run check

# Known vulnerabilities in what is locked. Apart from `check`: it asks the package index itself, and a mirror does not know.
audit: setup
	@for name in functions runtime dev sam localstack uv; do \
		echo "requirements/$$name.txt"; \
		$(BIN)/pip-audit --strict --progress-spinner off --disable-pip --require-hashes \
			--requirement requirements/$$name.txt || exit 1; \
	done

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The pictures in docs/images, from a stack of their own.
screenshots: setup
	PYTHONPATH=tests $(BIN)/python -m browser.screenshots

bench: setup
	@$(BIN)/fleetglow bench

UV = .local/uv/bin/uv
COMPILE = $(UV) pip compile --quiet --generate-hashes --no-header
lock:
	@$(PYTHON) scripts/bootstrap uv python
	$(COMPILE) --universal --python-version 3.8 requirements/uv.in --output-file requirements/uv.txt
	$(COMPILE) --universal --python-version 3.13 --override requirements/functions-overrides.txt requirements/functions.in --output-file requirements/functions.txt
	# LocalStack has no resolution for every Python there will be: its lock is for ours, on this kind of machine.
	$(COMPILE) --python-version 3.13 requirements/localstack.in --output-file requirements/localstack.txt
	for name in runtime sam dev; do \
		$(COMPILE) --universal --python-version 3.13 requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

clean:
	@test ! -x $(BIN)/fleetglow || $(BIN)/fleetglow down
	rm -rf .local .venv .fleetglow .aws-sam web/node_modules web/dist web/protocol/dist
