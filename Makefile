# Everything sets itself up: `make demo` and `make test` work on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers
AUDIT := .venv-audit
SECONDS ?= 0
SEED ?= 1
MINUTES ?= 10
# A module runs in one process; modules keep their order: long ones come first, units last. Three
# processes on two cores: tests of workers wait half of their time.
# Not loadgroup: xdist 3.8 does not see groups with pytest 9.2, and runs each test anywhere.
PARALLEL := -n 3 --dist loadscope --no-loadscope-reorder
SECRETS := grafana-admin-password

.PHONY: demo test test-quick fuzz kernels lint code configuration bench scaling faults page-faults mutations stack sbom audit previews secrets setup setup-system flink lock clean help

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t16

demo: $(READY)  ## watch real alerts; SECONDS=20 ends by itself
	@$(BIN)/sentinel demo $(if $(filter-out 0,$(SECONDS)),--seconds $(SECONDS))

# Two at a time of what is needed first; what is run then is one command.
MAKEFLAGS += --jobs=2

test: $(READY) $(PEERS)/.ready flink kernels lint  ## all checks and tests, on real Apache Kafka too
	$(BIN)/pytest $(PARALLEL) --durations=20

test-quick: $(READY)  ## the tests that need no broker and no worker process
	$(BIN)/pytest $(PARALLEL) -m "not kafka and not process"

fuzz: $(READY)  ## random examples, hostile and messy records; MINUTES=10, fails at the first that fails
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

kernels: $(READY)
	@$(BIN)/python -m tests.kernels

lint: code configuration  ## ruff, mypy, import directions, shipped configuration and its rule tests

code: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

configuration: kernels
	$(BIN)/sentinel check configs
	$(BIN)/sentinel test configs
	$(BIN)/sentinel routes check configs

bench: $(READY) $(PEERS)/.ready flink  ## measure, side by side with peers; writes benchmarks/latest.json
	$(BIN)/python -m benchmarks --peers $(PEERS)/bin/python

scaling: $(READY) setup-system  ## what things cost and a large bank needs; writes benchmarks/scaling.json
	$(BIN)/python -m benchmarks.scaling

faults: $(READY) setup-system  ## kill, cut, stop, spoil: nothing lost or doubled; FULL=1 ROWS=a,b SEED=2
	$(if $(ROWS),,$(MAKE) page-faults)
	$(BIN)/python -m tests.faults --seed $(SEED) $(if $(ROWS),--rows $(ROWS)) \
	  $(if $(FULL),--full --into docs/reliability.md)

page-faults: $(READY) setup-system  ## the part of faults that spoils what pages need; FULL=1 ROWS=a,b SEED=2
	$(BIN)/python -m tests.pages --first $(SEED) $(if $(ROWS),--rows $(ROWS)) \
	  $(if $(FULL),--seeds 20 --into docs/pages.md)

mutations: $(READY) setup-system  ## put known bugs back, one at a time: the fault suite finds each
	$(BIN)/pytest tests/faults/mutation_check.py

stack: $(READY) setup-system  ## docker-compose.yml as processes, without Docker; SECONDS=90 and ends
	$(BIN)/python -m tests.stack $(if $(filter-out 0,$(SECONDS)),--seconds $(SECONDS))

sbom: $(AUDIT)/.ready  ## what a worker is made of, as CycloneDX: dist/sbom.json
	@mkdir -p dist
	$(AUDIT)/bin/cyclonedx-py requirements requirements-run.lock --pyproject pyproject.toml \
	  --output-reproducible --output-file dist/sbom.json

audit: $(AUDIT)/.ready  ## known vulnerabilities of what is locked, by PyPI's advisories
	$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements-run.lock

previews: $(READY) setup-system  ## docs/dashboards from a running stack, docs/desk in Chromium
	$(BIN)/python -m tests.stack --seconds 60 --previews docs/dashboards
	$(BIN)/python -m tests.desk.pictures docs/desk

# Everybody may read a file, nobody the folder: containers see the file alone, as another user.
secrets:  ## random secrets for docker-compose.yml, where a file is missing
	@mkdir -p -m 700 secrets
	@for name in $(SECRETS); do test -s secrets/$$name || { \
	  $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(32), end="")' > secrets/$$name \
	  && chmod 444 secrets/$$name && echo "secrets/$$name written"; }; done

setup: $(READY)  ## make .venv with the locked packages

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "Python 3.11 to 3.13 is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(PEERS)/.ready: benchmarks/peers.lock
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(AUDIT)/.ready: deploy/supply-chain/audit.lock
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

setup-system:  ## what tests run: Debian's JDK, Maven, openssl, promtool; Kafka's jars
	@./.ci/system
	@$(PYTHON) -m tests.kafka.jars

flink: setup-system  ## the jars of Apache Flink, a peer of the benchmark
	@$(PYTHON) -m benchmarks.flink.jars

lock:  ## resolve the locked packages again
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -q -c requirements.lock -o requirements-run.lock
	$(BIN)/uv pip compile --group build --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -q -c requirements.lock -o requirements-build.lock
	$(BIN)/uv pip compile benchmarks/peers.in --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -q -o benchmarks/peers.lock
	$(BIN)/uv pip compile deploy/supply-chain/audit.in --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -q -o deploy/supply-chain/audit.lock

clean:  ## remove what setup and tests made
	rm -rf $(VENV) $(PEERS) $(AUDIT) .cache dist
