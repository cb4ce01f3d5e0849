# Every target says what it does: `make`. Targets only call the scripts and tools that also run without make.
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help setup run test fast kafka lint format types contracts lock quality quality-baseline quality-study bench gate soak faults load simulate docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Prepare .venv from the lock (nothing to do: returns at once)
	@script/setup

run: ## Start Headwater and replay the shipped outage, followable
	@script/run

test: ## Everything a change must pass: lint, types, contracts, all tests
	@script/test

fast: setup ## Only the tests that need no real components
	$(BIN)/pytest -q -n auto -m "not real and not slow"

kafka: setup ## The tests on Apache Kafka, the slow one with three brokers included (needs java and mvn; minutes)
	@script/kafka
	$(BIN)/pytest -q -m "real and (slow or not slow)" tests/real/kafka tests/ingest/test_kafka_source.py --timeout 400

lint: setup ## Ruff: rules, complexity and size limits, format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## Let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## Mypy, strict
	$(BIN)/mypy

contracts: setup ## Import contracts: who may know whom
	$(BIN)/lint-imports --no-logo

lock: ## Write both locks anew after a change of dependencies (needs uv)
	script/lock

quality: ## Score the answers on labelled streams and compare with the baseline (needs the scoring kit)
	@script/quality

quality-baseline: ## Make the scores of this checkout the new baseline (needs the scoring kit)
	@script/quality --baseline

quality-study: ## Print what each kind of evidence is worth, risk and coverage, calibration (needs the scoring kit)
	@script/quality --study

bench: setup ## Measure speed beside Alertmanager on this machine (minutes)
	$(BIN)/python -m bench

gate: setup ## Fail when Headwater has become slower beside plain work of the same kind (about 40 CPU s)
	$(BIN)/python -m bench.gate

soak: setup ## The slow tests: many seeds, many kills (many minutes)
	$(BIN)/pytest -q -m slow --timeout 3600
	SNAPSHOTS=1 $(BIN)/pytest -q -n auto --timeout 3600 tests/engine

faults: setup ## Publishing, workers, PostgreSQL, Kafka and Roundup under every fault, and the model (four hours); prints the tables of docs/reliability.md
	@script/kafka
	$(BIN)/python -m tests.publish.faults
	$(BIN)/python -m tests.faults.partitions --runs 30
	$(BIN)/python -m tests.faults.database --runs 20 --longest 5
	$(BIN)/python -m tests.faults.broker --runs 30 --longest 30
	$(BIN)/python -m tests.faults.ticketing --runs 30 --longest 30
	$(BIN)/python -m tests.faults.brokers --cycles 20
	$(BIN)/python -m tests.faults.zombies --runs 50
	$(BIN)/python -m bench.killed
	$(BIN)/python -m tests.scenarios.duplicates --events 100000
	$(BIN)/python -m tests.simulate.run --seeds 0 --sequences 2000

SHARE ?= 1
load: setup ## Steady load and a burst on the embedded engine, SHARE=1 of their full length (11 minutes)
	$(BIN)/python -m bench.rows --share $(SHARE)

SEEDS ?= 2000
simulate: setup ## The whole embedded engine in simulated time, SEEDS=2000 runs, then the model; prints seeds that fail
	$(BIN)/python -m tests.simulate.run --seeds $(SEEDS) --sequences 2000

docs: setup ## Render the generated parts of docs/ anew (life-cycle diagram)
	$(BIN)/python script/render_lifecycle.py

clean: ## Remove caches and build output; keeps .venv and data
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
