# The one door. `make help` says what there is.
#
# Variables: PYTHON  the interpreter to build the environment with (3.11 or newer)
#            VENV    where that environment stands
#            ARGS    further arguments for pytest, as in: make test ARGS="-x tests/unit/test_alias.py"

SUITABLE := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if $$python -c '$(SUITABLE)' 2>/dev/null; then echo $$python; exit; fi; done; echo python3)
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

.PHONY: help demo test soak lint types bench scoreboard docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo        the worked example: a spectral analysis of a real recording, twice"
	@echo "make test        the tests, but for the long ones"
	@echo "make soak        the long crash and race tests"
	@echo "make lint        style, and which part may import which"
	@echo "make types       static types of both packages"
	@echo "make bench       timings beside other caches, into benchmarks/RESULTS.md"
	@echo "make scoreboard  wrong values beside other caches, into tests/scoreboard/RESULTS.md"
	@echo "make docs        this manual as web pages, into docs/_build"
	@echo "make clean       remove all that the above made"

demo: $(VENV)/.has-demo
	@$(BIN)/python docs/example/tour.py demo-output

test: $(VENV)/.has-test
	$(BIN)/python -m pytest -m "not soak" $(ARGS)

soak: $(VENV)/.has-test
	$(BIN)/python -m pytest -m soak --timeout 3600 $(ARGS)

lint: $(VENV)/.has-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.has-lint $(VENV)/.has-test
	$(BIN)/mypy
	$(BIN)/mypy tests/typing
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.has-bench
	$(BIN)/python -m benchmarks $(ARGS)

scoreboard: $(VENV)/.has-bench
	$(BIN)/python -m tests.scoreboard $(ARGS)

docs: $(VENV)/.has-docs
	$(BIN)/sphinx-build -W --keep-going -n -q -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

clean:
	rm -rf $(VENV) .venv-* demo-output docs/_build build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each extra of pyproject.toml, so that set-up runs again only when that file changed.
$(VENV)/.has-%: pyproject.toml $(VENV)/.made
	@echo "Installing the project and what '$*' needs into $(VENV) (a minute or so, the first time) ..."
	@$(BIN)/python -m pip install --quiet --quiet --editable ".[$*]"
	@touch $@

.PRECIOUS: $(VENV)/.has-%

$(VENV)/.made:
	@$(PYTHON) -c '$(SUITABLE)' || { \
		echo "error: $(PYTHON) is missing, or older than Python 3.11." >&2; \
		echo "hint: install a newer one (https://www.python.org/downloads), or name it: make PYTHON=python3.12 ..." >&2; \
		exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: $(PYTHON) has no venv module, which the environment in $(VENV) is made with." >&2; \
		echo "hint: on Debian and Ubuntu: sudo apt install python3-venv" >&2; \
		exit 2; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
