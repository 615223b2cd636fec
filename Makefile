# Two commands for a fresh machine: `make demo` and `make test`. Both make .venv first when it is missing.
PYTHON ?= python3
BIN := .venv/bin
# Threads beyond the two cores that are assumed only fight each other in networks this small.
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: install demo test test-fast lint types unit unit-fast coverage benchmark clean

install: .venv/installed

# torch comes first and by its exact version: asked for as a dependency, pip may choose a CUDA build of several GB.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip -c constraints.txt
	$(BIN)/pip install --quiet $$(grep '^torch==' constraints.txt)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: install
	$(BIN)/teachrl train quickstart
	$(BIN)/teachrl report runs/quickstart

test: lint types unit

# Without the tests that take more than about three seconds each.
test-fast: lint types unit-fast

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: install
	$(BIN)/mypy teachrl envs/teachrl_envs

unit: install
	$(THREADS) $(BIN)/pytest

unit-fast: install
	$(THREADS) $(BIN)/pytest -m "not slow"

coverage: install
	$(THREADS) $(BIN)/pytest --cov=teachrl --cov=teachrl_envs

benchmark: install
	$(THREADS) $(BIN)/python -m benchmarks

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache
