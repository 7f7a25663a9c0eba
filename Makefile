# The two commands that matter: `make demo` and `make test`. Both set everything up.
PYTHON ?= python3
BIN := .venv/bin
# Two of them start servers (1.5 GB each) and wait for a third of their time; the others fill it (tests/scheduling.py).
TEST_WORKERS ?= 4
# Images of Python often set it: each process that a test starts, or a demo, would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test test-long test-all soak warm check fuzz bench sbom audit lock clean

setup: .venv/installed  ## the virtual environment, the locked dependencies, the server jars
	@$(BIN)/hotline up --fetch-only

.venv/installed: requirements.lock requirements-pip.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hotline needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@echo "Installing the locked dependencies into .venv (a minute or two, once)"
	@$(PYTHON) -m venv .venv
	@# The pip of an older Python takes three times as long to find them (174 CPU-seconds instead of 51), but does it, too.
	@-$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-pip.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock || { \
		echo "The packages could not be installed: see above, check the network (HTTPS_PROXY names a proxy," \
		"PIP_INDEX_URL a mirror) and run make again; what is already here is kept."; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m normalizers.precompile
	@touch $@

demo: setup  ## the sample messages travel through the real servers
	@$(BIN)/hotline demo

PYTEST := $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder --randomly-seed=12345

test: warm  ## what every change needs: fixed seeds, the real Kafka and Elasticsearch
	@$(PYTEST) -m "not long and not soak"

test-long: warm  ## outages of minutes, killed servers, whole journeys, programs of the documentation
	@$(PYTEST) -m "long and not soak"

test-all: test test-long  ## both: what CI runs

# Each run draws new seeds; WALKS=201-400 repeats those walks. What a run finds becomes a fixed case of `make test`.
SEED := $(shell date +%s)
WALKS := $(SEED)001-$(SEED)200

soak: warm  ## new random seeds: properties, 200 walks of citizens and clerks, the fuzzers (SECONDS for each parser)
	@echo "WALKS=$(WALKS)"
	@HOTLINE_SOAK=1 HOTLINE_WALKS=$(WALKS) $(PYTEST) -m "soak or hypothesis" --randomly-seed=$(SEED)
	@$(BIN)/python -m benchmarks.fuzz --seconds $(SECONDS) --turn

warm: setup  ## the servers of the tests stop once, which halves their starts
	@$(BIN)/python -m normalizers.precompile
	@$(BIN)/python -m tests.warm

check: .venv/installed  ## formatting, lint, types, imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

SECONDS := 2

fuzz: .venv/installed  ## any bytes to every parser, for SECONDS each (60 takes a quarter of an hour); Linux x86-64
	@$(BIN)/python -m benchmarks.fuzz --seconds $(SECONDS)

bench: setup  ## the figures of docs/reference/performance.md
	@$(BIN)/python -m benchmarks

sbom: .venv/installed  ## what is installed, as CycloneDX: dist/sbom.json
	@mkdir -p dist
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --no-validate -o dist/sbom.json
	@$(BIN)/python .ci/check_sbom.py dist/sbom.json

AUDIT_DATABASE := https://api.osv.dev
UNREACHABLE := 3

audit: .venv/installed  ## known vulnerabilities of the locked packages; a failure, too, when the database cannot be asked
	@if $(BIN)/python -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=10)' \
		$(AUDIT_DATABASE)/v1/vulns/PYSEC-2021-19 2>/dev/null; then \
		$(BIN)/pip-audit --strict --vulnerability-service osv --disable-pip --require-hashes --progress-spinner off \
			--requirement requirements.lock; \
	else \
		echo "Nothing was audited: the vulnerability database $(AUDIT_DATABASE) cannot be reached from here" \
			"(HTTPS_PROXY names a proxy). Run make audit where it can be."; \
		exit $(UNREACHABLE); \
	fi

lock: .venv/installed  ## resolve pyproject.toml again into requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header --quiet -o requirements.lock
	@echo pip | $(BIN)/uv pip compile - --upgrade --universal --generate-hashes --no-annotate --no-header --quiet -o requirements-pip.lock

clean:
	@rm -rf .venv .hotline
