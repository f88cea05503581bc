# Gongfang. Two commands matter: `make demo` and `make test`. Both do all their own set-up.

CHAOS ?= --seconds 60 --faults 12

.PHONY: help demo demo-influx test chaos deb check format setup schema lock clean
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: setup ## a shared factory runs a shift: from Modbus registers to each tenant's statement
	.venv/bin/python -m demo

demo-influx: setup ## the same through Mosquitto and InfluxDB (Debian's packages, installed if it may)
	scripts/peers mosquitto influxdb
	.venv/bin/python -m demo --influx

test: setup ## every check and every test, against real peers
	scripts/peers mosquitto mosquitto-clients influxdb influxdb-client sqlite3 curl libmodbus-dev gcc
	scripts/test

chaos: setup ## a bad night over real processes, judged by the machines' ledgers; CHAOS="--help" says how
	scripts/peers mosquitto influxdb
	.venv/bin/python -m tests.chaos $(CHAOS)

deb: setup ## a Debian package for gateways and servers, with all it needs but Python itself
	.venv/bin/python scripts/deb

check: setup ## lint, format and types only
	scripts/check

format: setup ## let ruff format and sort
	.venv/bin/ruff check --fix-only --quiet . && .venv/bin/ruff format --quiet .

setup: .venv/installed

.venv/installed: requirements.lock pyproject.toml scripts/setup
	scripts/setup

schema: setup ## renew configs/schema/ and docs/schema/ from the shapes and the comments of the examples
	.venv/bin/python -m scripts.schemas

lock: setup ## renew requirements.lock from pyproject.toml
	scripts/lock

clean: ## forget the virtual environment and whatever was made
	rm -rf .venv out .pytest_cache .mypy_cache .ruff_cache .hypothesis
