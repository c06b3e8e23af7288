# `make demo` is the way in. Everything is set up in .venv at first use; PYTHON chooses the interpreter.
PYTHON ?= python3
EVENTS ?= 25
SEEDS ?= 3
MINUTES ?= 30
BIN := .venv/bin
READY := .venv/ready
LONG := .venv/long
BENCH := .venv/bench

.PHONY: demo sandbox test test-long bench audit faults soak check clean pins

demo: $(READY)  ## events from a bus to a table, and what became of each (EVENTS=25)
	@$(BIN)/python -m deployments.sandbox demo --events $(EVENTS)

sandbox: $(READY)  ## the same stack, kept up until Ctrl-C
	@$(BIN)/python -m deployments.sandbox up

test: $(READY)  ## everything that a change must pass
	$(BIN)/pytest -m "not long" -n 2 --dist loadfile

test-long: $(LONG)  ## the browser, Genesys's own SDK, the runs that take minutes
	$(BIN)/pytest -m "long and not bench"

bench: $(BENCH)  ## this pipeline beside others, 25 minutes; on a machine that does nothing else (ONLY=a,d)
	@$(BIN)/python -m tests.benchmarks $(if $(ONLY),--only $(ONLY))

audit: $(READY)  ## known vulnerabilities of what production installs; AUDIT_REQUIRED=1: 2 if that cannot be told
	@$(BIN)/python -m infra.audit

faults: $(READY)  ## every fault, in three seeds that nobody has tried; do the books balance (SEEDS=3 EVENTS=1000 SEED=...)
	$(BIN)/python -m tests.faults --seeds $(SEEDS) --events $(EVENTS) $(if $(SEED),--seed $(SEED))

faults: EVENTS := $(if $(filter command environment,$(origin EVENTS)),$(EVENTS),1000)

soak: $(READY)  ## steady load, random faults, one long outage; memory and files watched (MINUTES=30)
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

check: $(READY)  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=infra/bridge $(BIN)/mypy --explicit-package-bases infra/bridge/*.py
	$(BIN)/cfn-lint infra/*.yaml

pins: $(READY)  ## resolve the tested versions anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate requirements-dev.in -o requirements-dev.txt
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate -c requirements-dev.txt requirements.in -o requirements.txt

clean:  ## remove what the other targets made
	rm -rf .venv .sandbox .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build

$(READY): requirements-dev.txt pyproject.toml requirements.in
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@test -d .venv || $(PYTHON) -m venv .venv
	@echo "Setting up .venv; this takes a minute or two, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

$(LONG): $(READY) requirements-long.in
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-long.in
	@touch $(LONG)

$(BENCH): $(READY) requirements-bench.in
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.in -c requirements-dev.txt
	@touch $(BENCH)
