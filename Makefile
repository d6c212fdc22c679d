# Everything here works on a fresh machine with Python 3.11 or later and make.
# `make demo` and `make test` are all a newcomer needs; each target sets up what it uses.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CI ?=
# What is run hundreds of times, in processes of their own, is compiled once.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo demo-reset run test check bench format lock clean

demo: $(READY)  ## try the whole shop in the browser, without a token
	@$(BIN)/shop demo

demo-reset: $(READY)  ## the same, from the beginning
	@$(BIN)/shop demo --reset

run: $(READY)  ## the real thing: settings by environment or .env
	@$(BIN)/shop run

test: $(READY) chromium  ## the whole suite: SQLite, PostgreSQL 18, Valkey, real HTTP, a real browser; half of it waits, so two cores carry three
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: $(READY)  ## style, types, import rules, migrations, catalogues
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m bot.migrations.check
	@$(BIN)/python -m locales.check

bench: $(READY)  ## figures beside their baselines, one JSON line each
	@$(BIN)/python -m bench $(ARGS)

format: $(READY)
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: $(READY)  ## renew requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev --extra stripe pyproject.toml -o requirements.lock --upgrade

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build *.egg-info

# The environment: uv by pip when it is missing, then exactly what the lock says, checked by hash.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip --quiet --disable-pip-version-check install uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(READY)

# The page is tested in Debian's Chromium. Where it is missing and may be installed, it is; elsewhere those tests say loudly that they are skipped.
.PHONY: chromium
chromium:
	@if ! command -v chromium >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1 && ! command -v google-chrome >/dev/null 2>&1; then \
		if command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
			echo "Installing Chromium for the tests of the page…"; \
			(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk fonts-noto-color-emoji) >/tmp/shop-chromium.log 2>&1 \
				|| { tail -5 /tmp/shop-chromium.log; if [ -n "$(CI)" ]; then exit 1; fi; }; \
		else \
			echo "!!! No Chromium was found and it cannot be installed from here: the tests of the page will be SKIPPED (apt-get install chromium)."; \
		fi; \
	fi
