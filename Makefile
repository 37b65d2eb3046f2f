# Every target first makes .venv from the hash-locked requirements; a second run finds it ready.
PYTHON ?= python3
BIN := .venv/bin
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
# The machine's own certificates, where it keeps some: behind a company's proxy no others are accepted.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)

.PHONY: demo test test-long lint bench clean env lock

demo: env
	$(BIN)/sluis demo --dir demo-run

# Two workers, because two cores are asked for, and each runs a Prefect server. A file stays with one worker, so that what its
# tests share is made once; files go out in their order, because those of seconds stand before those of milliseconds.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: env
	$(PYTEST) -m "not long"

# 5 is pytest's word for "nothing is marked long", which is no fault.
test-long: env
	$(PYTEST) -m long || [ $$? -eq 5 ]

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: env
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv demo-run .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

env: .venv/ready

# Byte-compiled at install, because importing Great Expectations takes twice as long without; the kernel of tokens is compiled
# for this processor, which the first run would do instead.
.venv/ready: requirements/bootstrap.txt requirements/all.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "Sluis needs Python 3.11 to 3.13: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements/bootstrap.txt requirements/all.txt
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -c 'import privacy.sha256'
	touch $@

lock: env
	$(BIN)/uv pip compile --universal --quiet --generate-hashes --no-annotate --no-header requirements/bootstrap.in -o requirements/bootstrap.txt
	$(BIN)/uv pip compile --universal --quiet --generate-hashes --no-annotate --no-header --group dev pyproject.toml -o requirements/all.txt
