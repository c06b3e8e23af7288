# `make demo` is the way in. Everything is set up in .venv at first use; PYTHON chooses the interpreter.
PYTHON ?= python3
EVENTS ?= 25
SEEDS ?= 3
MINUTES ?= 30
# Processes of the tests, each with a sandbox of its own.
WORKERS ?= 3
LONG_WORKERS ?= 2
BIN := .venv/bin
SANDBOX := .venv/sandbox
READY := .venv/ready
ANALYTICS := .venv/analytics
LONG := .venv/long
BENCH := .venv/bench
# Only what was tested: every file has the sha256 sums of its packages, and a package without one is refused.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --generate-hashes
TESTED := -c requirements-dev.txt -c requirements-analytics.txt

.PHONY: demo help sandbox cluster unit test test-long bench bench-compare audit newest faults soak check clean pins

demo: $(if $(filter-out 0,$(TOUR)),$(ANALYTICS),$(SANDBOX))  ## send events from a bus to a table and show what became of each (EVENTS=25; TOUR=1: wrong, double and late ones, and SQL)
	@$(BIN)/python -m deployments.sandbox demo --events $(EVENTS) $(if $(filter-out 0,$(TOUR)),--tour)

help:  ## this list
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / {printf "make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

sandbox: $(ANALYTICS)  ## keep the same stack up until Ctrl-C
	@$(BIN)/python -m deployments.sandbox up

cluster: $(ANALYTICS)  ## the same on a Prefect cluster: two API servers, services apart, Redis, HAProxy (from the system)
	@$(INSTALL) -r requirements-cluster.txt
	@$(BIN)/python -m deployments.sandbox up --cluster

unit: $(ANALYTICS)  ## run the tests that start nothing, in less than a minute
	$(BIN)/pytest -q -n 2 tests/unit

test: $(ANALYTICS)  ## run what a change must pass
	$(BIN)/pytest -m "not long" -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=20

test-long: $(LONG)  ## run the browser's tests, Genesys's own SDK, and what takes minutes
	$(BIN)/pytest -m "long and not bench" -n $(LONG_WORKERS) --dist loadfile --durations=20

bench: $(BENCH)  ## measure this pipeline beside others, 35 minutes on an idle machine (ONLY=a,d)
	@$(BIN)/python -m tests.benchmarks $(if $(ONLY),--only $(ONLY))
	@$(if $(ONLY),,$(BIN)/python -m tests.benchmarks.publishing)

bench-compare: $(READY)  ## show two runs of the benchmark side by side (make bench-compare A.json B.json)
	@$(BIN)/python -m tests.benchmarks.comparison $(RUNS)

# The files are words of the command line, which make takes for targets.
RUNS := $(if $(filter bench-compare,$(MAKECMDGOALS)),$(filter-out bench-compare,$(MAKECMDGOALS)))
ifneq ($(RUNS),)
.PHONY: $(RUNS)
$(RUNS): bench-compare
	@:
endif

audit: $(ANALYTICS)  ## look for known vulnerabilities of what production installs
	@BIN=$(BIN) .ci/audit

newest: $(READY)  ## run the tests that depend on Prefect on the newest version in the registry (PREFECT=3.9.0)
	@.ci/newest

faults: $(ANALYTICS)  ## break every part in turn; nothing may be lost or doubled (SEEDS=3 EVENTS=1000 SEED=...)
	$(BIN)/python -m tests.faults --seeds $(SEEDS) --events $(EVENTS) $(if $(SEED),--seed $(SEED))

faults: EVENTS := $(if $(filter command environment,$(origin EVENTS)),$(EVENTS),1000)

soak: $(ANALYTICS)  ## steady load with random faults and one long outage (MINUTES=30)
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

check: $(ANALYTICS)  ## lint, types and templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=infra/bridge $(BIN)/mypy --explicit-package-bases infra/bridge/*.py
	$(BIN)/cfn-lint infra/*.yaml -c I

pins: $(READY)  ## resolve the pinned versions and their hashes again (needs uv)
	$(COMPILE) --no-emit-package pip requirements-dev.in -o requirements-dev.txt
	$(COMPILE) -c requirements-dev.txt requirements.in -o requirements.txt
	$(COMPILE) -c requirements-dev.txt requirements-sandbox.in -o requirements-sandbox.txt
	$(COMPILE) -c requirements-dev.txt requirements-analytics.in -o requirements-analytics.txt
	$(COMPILE) $(TESTED) requirements-telemetry.in -o requirements-telemetry.txt
	$(COMPILE) $(TESTED) requirements-cluster.in -o requirements-cluster.txt
	$(COMPILE) $(TESTED) requirements-long.in -o requirements-long.txt
	$(COMPILE) $(TESTED) requirements-bench.in -o requirements-bench.txt
	$(COMPILE) $(TESTED) requirements-build.in -o requirements-build.txt

clean:  ## remove what the other targets made
	rm -rf .venv .venv-newest .sandbox .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build

$(SANDBOX): requirements-sandbox.txt pyproject.toml requirements.in requirements-analytics.in requirements-telemetry.in
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@test -d .venv || $(PYTHON) -m venv .venv
	@echo "Setting up .venv; this takes a minute, once."
	@$(INSTALL) -r requirements-sandbox.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(SANDBOX)

$(READY): $(SANDBOX) requirements-dev.txt
	@$(INSTALL) -r requirements-dev.txt
	@touch $(READY)

$(ANALYTICS): $(READY) requirements-analytics.txt requirements-telemetry.txt
	@$(INSTALL) -r requirements-analytics.txt -r requirements-telemetry.txt
	@touch $(ANALYTICS)

$(LONG): $(ANALYTICS) requirements-long.txt
	@$(INSTALL) -r requirements-long.txt
	@touch $(LONG)

$(BENCH): $(ANALYTICS) requirements-bench.txt
	@$(INSTALL) -r requirements-bench.txt
	@touch $(BENCH)
