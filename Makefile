# `make help` lists the targets. Each target's plain command stands in the README for people without make.
PROFILE ?= demo
SET ?=
DATA ?=
ARGS ?=
# SET="training.epochs=3 ..." replaces settings; DATA=folder reads real corpora; ARGS=... goes to the command as it is.
# The first of these that is Python 3.11 or 3.12; name another by PYTHON=...
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Words in single quotes, in which the shell changes nothing: blanks, $ and quotes in a folder's name stay what they are.
quoted = '$(subst ','\'',$(1))'
OVERRIDES = $(foreach pair,$(SET),--set $(call quoted,$(pair))) $(if $(DATA),--set $(call quoted,corpus.data=$(value DATA)))

.PHONY: book run test env lint clean help

book: $(STAMP)  ## environment, built-in corpus, every notebook, the HTML book
	$(BIN)/amdd book --profile $(PROFILE) $(OVERRIDES) $(ARGS)

run: $(STAMP)  ## the notebooks without the book
	$(BIN)/amdd run --profile $(PROFILE) $(OVERRIDES) $(ARGS)

env: $(STAMP)  ## the environment in .venv

# Without an NVIDIA card, PyTorch's CPU packages are chosen where their index serves them; LOCK=requirements.lock or
# LOCK=requirements-cpu.lock chooses by hand.
LOCK ?=
INSTALL = VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --compile-bytecode --no-deps

$(STAMP): requirements.lock requirements-cpu.lock pyproject.toml
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { echo "amdd needs Python 3.11 or 3.12; name one by PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@lock="$(LOCK)"; test -n "$$lock" || lock=$$($(BIN)/python -I amdd/base/packages.py) || lock=requirements.lock; \
	case "$$lock" in *cpu*) mix="--index-strategy unsafe-best-match";; *) mix="";; esac; \
	echo $(INSTALL) $$mix -r "$$lock" -e .; \
	$(INSTALL) $$mix -r "$$lock" -e . || { test -z "$(LOCK)" && test -n "$$mix" && \
	echo "the CPU packages could not be installed; installing requirements.lock" && $(INSTALL) -r requirements.lock -e .; }
	@touch $(STAMP)

# requirements.lock has them; the one without CUDA leaves them out.
$(VENV)/.tests: $(STAMP) requirements-test.lock
	@$(BIN)/python -c "import pytest, mypy, playwright" 2>/dev/null || $(INSTALL) -r requirements-test.lock
	@touch $(VENV)/.tests

lint: $(VENV)/.tests  ## style, import contract, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: $(VENV)/.tests lint  ## environment if missing, lint and the tests
	$(BIN)/python tests/install_browser.py
	$(BIN)/python -m pytest -n 2 -m "not book" $(ARGS)
	$(BIN)/python -m pytest -n 2 -m book $(ARGS)

clean:  ## remove everything that was built
	rm -rf _build

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
