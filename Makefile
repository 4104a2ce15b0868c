# `make` alone lists the commands. Each does all of its own set-up first (scripts/setup.py).
.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench faults docs clean
.NOTPARALLEL:

SETUP := @sh scripts/setup.sh
BIN := .venv/bin
# Tests that put a load on the machine, or look at how it bears one; others run two at a time.
ALONE := tests/faults/ tests/real/

help:
	@echo 'camgraph: live video from many IP cameras'
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

demo: ## four built-in cameras in a window, an analyzer each (ARGS="--cameras 9 --seconds 30 …")
	$(SETUP) demo
	@$(BIN)/camgraph demo $(ARGS)

test: ## all tests, each watched for what it leaves behind (ARGS="tests/unit/ring -k lease …")
	$(SETUP) test
ifeq ($(strip $(ARGS)),)
	@failed=0; \
	$(BIN)/python -m pytest -n 2 --dist loadfile $(filter-out %__pycache__/ $(ALONE),$(wildcard tests/*/)) || failed=1; \
	$(BIN)/python -m pytest $(ALONE) || failed=1; \
	exit $$failed
else
	@$(BIN)/python -m pytest $(ARGS)
endif

lint: ## read only: style, types, the arrows between rooms
	$(SETUP) lint
	@failed=0; \
	$(BIN)/ruff check || failed=1; \
	$(BIN)/ruff format --check || failed=1; \
	$(BIN)/mypy || failed=1; \
	$(BIN)/lint-imports --no-logo --cache-dir .import_linter_cache || failed=1; \
	exit $$failed

format: ## write: style as `make lint` wants it
	$(SETUP) format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: ## measure beside other tools and the limit (QUICK=1: fewer configurations; ARGS="ring ingest")
	$(SETUP) bench
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(ARGS)

faults: ## every fault of a camera or its network, measured (ARGS="--row 401 --jobs 2 --write …")
	$(SETUP) faults
	@$(BIN)/python -m reliability $(ARGS)

docs: ## write the generated parts of the docs, then check links, anchors and paths
	$(SETUP) docs
	@$(BIN)/python scripts/docs.py --write

clean: ## remove what the commands made: .venv, build, caches
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
