# Everything here sets itself up: a virtual environment in .venv and the locked packages, once, then the work.
#
#   make demo                    the desk on a simulated Bitget, without any key
#   make install                 the command: .venv/bin/ratchet
#   make test                    every test                        make test ARGS="-k ladder"
#   make prove SEEDS=10000       markets, faults and crashes       make prove SEED=4711 runs one again
#   make prove ARGS=--matrix     a crash at every step of each plan, with every fault on every request
#   make prove KILLS=500         the real engine, killed so often with kill -9 while it climbs
#   make prove TWICE=1000        so many seeds in two processes each, whose digests must agree
#   make bench                   what it costs, as ratios
#   make lint                    format, style, types, walls
#   make PYTHON=python3.12 …     another Python (3.11 or newer)

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     ?= uv
ARGS   ?=
BENCH  := $(filter-out __init__ %_child,$(patsubst bench/%.py,%,$(wildcard bench/*.py)))

# Compiled modules are kept, whatever the shell says: every test that starts an engine would compile it again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test prove bench lint picture lock clean

help:
	@sed -n 's/^#   //p' Makefile

install: $(VENV)/ready-to-run
	@echo "$(BIN)/ratchet is ready: $(BIN)/ratchet --help"

demo: $(VENV)/ready-to-run
	@$(BIN)/ratchet demo $(ARGS)

test: $(VENV)/ready-to-test
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

prove: $(VENV)/ready-to-test
ifdef KILLS
	RATCHET_KILLS=$(KILLS) $(BIN)/python -m pytest -s tests/kill/test_sigkill.py $(ARGS)
else ifdef TWICE
	RATCHET_TWICE=$(TWICE) $(BIN)/python -m pytest -s tests/simulation/test_determinism.py $(ARGS)
else
	$(BIN)/python -m tests.simulation.prove $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SEED),--seed $(SEED)) $(ARGS)
endif

bench: $(VENV)/ready-to-test
	@for name in $(BENCH); do printf '\n== %s\n' $$name; $(BIN)/python -m bench.$$name $(ARGS) || exit 1; done

lint: $(VENV)/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

picture: $(VENV)/ready-to-run
	$(BIN)/python -m docs.picture docs/desk.svg

lock:
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: python3 -m pip install uv, or make UV=path/to/uv"; exit 1; }
	$(UV) pip compile -q --upgrade $(LOCKING) -o requirements.lock pyproject.toml
	$(UV) pip compile -q --upgrade $(LOCKING) --extra test -c requirements.lock -o requirements-test.lock pyproject.toml
LOCKING := --group build --extra telegram --extra notify --extra web --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
           --custom-compile-command "make lock"

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The second start finds these stamps and goes on at once. What is for tests contains what is for running.

$(VENV)/ready-to-run: requirements.lock pyproject.toml
	@test $(VENV)/ready-to-test -nt pyproject.toml -a $(VENV)/ready-to-test -nt requirements.lock \
		|| PYTHON="$(PYTHON)" .ci/set-up $(VENV) requirements.lock
	@touch $@

$(VENV)/ready-to-test: requirements-test.lock pyproject.toml
	@PYTHON="$(PYTHON)" .ci/set-up $(VENV) requirements-test.lock
	@touch $@
