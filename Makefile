# make book    environment, built-in corpus, every notebook, the HTML book
# make test    environment if missing, and the tests
# Each target's plain command stands in the README for people without make.
PROFILE ?= demo
SET ?=
DATA ?=
ARGS ?=
# The first of these that is Python 3.11 or 3.12; name another by PYTHON=...
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

OVERRIDES := $(foreach pair,$(SET),--set $(pair)) $(if $(DATA),--set corpus.data=$(DATA))

.PHONY: book run test env lint clean

book: $(STAMP)
	$(BIN)/amdd book --profile $(PROFILE) $(OVERRIDES) $(ARGS)

run: $(STAMP)
	$(BIN)/amdd run --profile $(PROFILE) $(OVERRIDES) $(ARGS)

env: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { echo "amdd needs Python 3.11 or 3.12; name one by PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --compile-bytecode --no-deps -r requirements.lock -e .
	@touch $(STAMP)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: $(STAMP) lint
	$(BIN)/python tests/install_browser.py
	$(BIN)/python -m pytest $(ARGS)

clean:
	rm -rf _build
