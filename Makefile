# What a person runs here. The command itself is .venv/bin/anju.

# The first Python that is new enough; another one: make install PYTHON=/path/to/python3
USABLE := $(shell for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# As for the command itself.
DATA_DIR := $(or $(ANJU_DATA_DIR),.anju)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

.DEFAULT_GOAL := help
.PHONY: help install run test lint format backtest bench-ingest bench-bytes bench-peers bench-sweep bench fuzz screenshots requirements clean-data

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Build .venv with everything, pinned by hash

$(INSTALLED): requirements/dev.txt pyproject.toml
	@test -n "$(USABLE)" || { echo "Anju needs Python 3.11 or newer; python3 here is" \
		"$$(python3 --version 2>&1 || true). Name another one: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Installing what requirements/dev.txt pins into $(VENV): a minute and a half to three minutes, without a word"
	@$(USABLE) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: install ## Start everything with the demo estate; Ctrl-C stops it
	@$(BIN)/anju up --demo

test: lint ## Lint, types, import contracts and all tests that find what they need
	$(BIN)/pytest -n 2 --dist loadgroup

lint: install ## Style, types and import contracts alone
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/basedpyright
	$(BIN)/lint-imports

format: install ## Let ruff put the code in order
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format

backtest: install ## Score the detectors on packs of real meters: make backtest SEEDS="11 12 13"
	$(BIN)/python -m tests.backtest $(SEEDS)

bench-ingest: install ## Measure durable messages a second through broker and database
	$(BIN)/python -m tests.benchmarks.ingest

bench-bytes: install ## Measure what a home takes on disk in a year
	$(BIN)/python -m tests.benchmarks.bytes

bench-peers: install ## Measure the same beside mq-bridge and Node-RED, installed for it
	$(BIN)/python -m tests.benchmarks.peers

bench-sweep: install ## Measure an evening of 1,000, 10,000 and 100,000 homes
	$(BIN)/python -m tests.benchmarks.sweep

bench: install ## All measurements, with their spread and what is skipped; half an hour
	$(BIN)/python -m tests.benchmarks

fuzz: install $(VENV)/.fuzz ## Throw bytes at decoders: make fuzz SECONDS=60 DECODERS="dlt645 native"
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(DECODERS)

$(VENV)/.fuzz: requirements/fuzz.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

screenshots: install ## Take the pictures of docs/ with a real Chromium
	$(BIN)/python scripts/screenshots.py --url http://127.0.0.1:$(or $(ANJU_HTTP_PORT),8080)

requirements: install ## Compile the pins anew from requirements/*.in, keeping what still fits
	$(COMPILE) requirements/base.in -o requirements/base.txt
	$(COMPILE) -c requirements/base.txt requirements/dev.in -o requirements/dev.txt
	$(COMPILE) requirements/peers.in -o requirements/peers.txt
	$(COMPILE) requirements/fuzz.in -o requirements/fuzz.txt
	$(COMPILE) -c requirements/dev.txt requirements/image.in -o requirements/image.txt
	$(COMPILE) --no-deps --no-binary :all: requirements/compose.in -o requirements/compose.txt

clean-data: ## Forget the embedded databases and everything else in .anju
	@! { test -x $(BIN)/anju && $(BIN)/anju status >/dev/null 2>&1; } \
		|| { echo "A stack runs on $(DATA_DIR): stop it first." >&2; exit 1; }
	@target=$$(readlink -f "$(DATA_DIR)/postgres" || true); rm -rf $${target:+"$$target"} "$(DATA_DIR)"
