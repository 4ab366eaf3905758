# `make run` trains the fleet on this machine; `make help` lists everything else.

PYTHON ?= python3
PRESET ?=
BARS ?=
TUNE ?=
VARIANTS_PER_POD ?= 1080
MLFLOW_BACKEND ?= sqlite
EXIT ?=

LOCKS := include/fleetcast/locks
TRAINER := .venv/bin
AIRFLOW := .venv-airflow/bin
SEQUENCE := .venv-sequence/bin
AIRFLOW_TESTS := tests/dags tests/orchestration tests/plugins
SEQUENCE_TESTS := tests/sequence
CLUSTER_TESTS := tests/cluster
UV = "$$(command -v uv || echo .uv/bin/uv)"
PIP_INSTALL = $(UV) pip install --quiet --compile-bytecode
LOCKED = --require-hashes --requirement
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
  --no-emit-index-url
# What MLflow's server never imports, tried: its clients', its plots' and its evaluation's.
NOT_IN_MLFLOWS_IMAGE := contourpy cycler docker fonttools gitdb gitpython gunicorn joblib kiwisolver matplotlib narwhals \
  obstore pillow prettytable pyarrow pydantic-settings pyparsing scikit-learn scipy skops smmap threadpoolctl wcwidth
export UV_PYTHON_DOWNLOADS := never
export PRESET BARS VARIANTS_PER_POD MLFLOW_BACKEND

.DEFAULT_GOAL := help
# NAME: which benchmark
NAME ?=
# OPTIONS: of a benchmark that has some
OPTIONS ?=
# LONG: also the long forms of the tests on a cluster
LONG ?=
.PHONY: help run test test-cluster lint bench images up deploy undeploy goldens locks down clean distclean environments sequence-environment dev-environments prerequisites

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo 'Variables of make run: PRESET=sample|full|micro  BARS=path  TUNE=1  EXIT=1  VARIANTS_PER_POD=1080  MLFLOW_BACKEND=sqlite|postgres'

run: environments ## train the fleet and serve Airflow and MLflow until Ctrl-C (EXIT=1: until the run is over)
	@exec $(TRAINER)/fleetcast run-local $(if $(PRESET),--preset "$$PRESET") $(if $(BARS),--bars "$$BARS") $(if $(filter-out 0,$(TUNE)),--tune) \
	  --variants-per-pod "$$VARIANTS_PER_POD" --mlflow-backend "$$MLFLOW_BACKEND" $(if $(filter-out 0,$(EXIT)),--exit-after-run)

bench: dev-environments ## list the benchmarks; NAME=... measures one and prints one JSON line (noise, edge: OPTIONS="--fleets 10")
	@$(TRAINER)/python tests/benchmarks $(NAME) $(OPTIONS)

images: ## build the container images with docker, podman or buildah (NAME=one  REGISTRY=  TAG=  BASE_IMAGE=)
	@images/build $(NAME)

up: ## bring a cluster to try it on: the one of KUBECONFIG, else a kind cluster with our images
	@helm/up

deploy: ## install or upgrade there and wait until healthy (ENV=local-dev  NAMESPACE=  RELEASE=  VALUES=file  REGISTRY=  TAG=)
	@helm/deploy

undeploy: ## remove it from there (NAMESPACE=  RELEASE=)
	@helm/undeploy

down: ## end what make run has started here
	@if [ -x $(TRAINER)/fleetcast ]; then exec $(TRAINER)/fleetcast stop-local; else echo 'nothing was running here'; fi

test: lint .venv-sequence/.dev ## lint, and all tests in the three environments; those on a cluster too where KUBECONFIG names one
	$(TRAINER)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(addprefix --ignore=,$(AIRFLOW_TESTS) $(SEQUENCE_TESTS) $(CLUSTER_TESTS))
	$(AIRFLOW)/python -m pytest $(AIRFLOW_TESTS)
	$(SEQUENCE)/python -m pytest --numprocesses 2 --dist loadfile $(SEQUENCE_TESTS)
	@if [ -n "$$KUBECONFIG" ]; then $(MAKE) --no-print-directory test-cluster; \
	  else echo 'KUBECONFIG names no cluster: the tests on a cluster (make test-cluster) were left out'; fi

test-cluster: dev-environments ## build and load the images, and test the chart on the cluster of KUBECONFIG (LONG=1: all of it)
	@[ -n "$$KUBECONFIG" ] || { echo 'KUBECONFIG names no cluster: export it first' >&2; exit 2; }
	tests/cluster/load-images
	LONG=$(LONG) $(AIRFLOW)/python -m pytest $(CLUSTER_TESTS)

lint: dev-environments ## ruff, mypy and the import layers
	$(TRAINER)/ruff check .
	$(TRAINER)/ruff format --check .
	$(TRAINER)/mypy
	$(TRAINER)/lint-imports

goldens: dev-environments ## write tests/helm/goldens anew: the chart as each environment renders it
	UPDATE_GOLDENS=1 $(TRAINER)/python -m pytest --quiet tests/helm/test_goldens.py

locks: ## resolve the locked environments anew; versions that still fit stay
	$(COMPILE) pyproject.toml --extra airflow --output-file $(LOCKS)/airflow.lock
	$(COMPILE) pyproject.toml --extra trainer --extra mlflow --extra local --output-file $(LOCKS)/trainer.lock
	$(COMPILE) --group airflow-dev --constraint $(LOCKS)/airflow.lock --output-file $(LOCKS)/airflow-dev.lock
	$(COMPILE) --group dev --constraint $(LOCKS)/trainer.lock --output-file $(LOCKS)/dev.lock
	$(COMPILE) pyproject.toml --extra trainer --constraint $(LOCKS)/trainer.lock --output-file $(LOCKS)/trainer-image.lock
	$(COMPILE) pyproject.toml --extra trainer --extra sequence --constraint $(LOCKS)/trainer.lock --output-file $(LOCKS)/sequence-image.lock
	$(COMPILE) pyproject.toml --extra trainer --extra sequence-cpu --extra local --constraint $(LOCKS)/trainer.lock --constraint $(LOCKS)/sequence-image.lock \
	  --output-file $(LOCKS)/sequence.lock
	$(COMPILE) --group sequence-dev --constraint $(LOCKS)/sequence.lock --output-file $(LOCKS)/sequence-dev.lock
	$(COMPILE) pyproject.toml --extra mlflow --constraint $(LOCKS)/trainer.lock $(addprefix --no-emit-package ,$(NOT_IN_MLFLOWS_IMAGE)) \
	  --output-file $(LOCKS)/mlflow-image.lock

clean: down ## remove all state: databases, results, logs (the environments stay)
	rm -rf .fleetcast

distclean: clean ## remove the environments too
	rm -rf .venv .venv-airflow .venv-sequence .uv

environments: .venv/.trainer .venv-airflow/.airflow ## make both locked environments

sequence-environment: .venv-sequence/.sequence ## make the sequence models' environment, with TensorFlow (2.3 GB)

dev-environments: .venv/.dev .venv-airflow/.dev

prerequisites:
	@command -v $(PYTHON) > /dev/null || { echo 'Python 3.11 or later is missing: install it, or name it with PYTHON=...' >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "Python 3.11 to 3.13 is needed, $(PYTHON) is $$($(PYTHON) --version): name another with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2> /dev/null \
	  || { echo 'libgomp1 is missing, and LightGBM needs it: apt-get install libgomp1, or dnf install libgomp' >&2; exit 2; }
	@command -v uv > /dev/null || [ -x .uv/bin/uv ] \
	  || { echo 'installing uv into .uv' && $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check $(LOCKED) $(LOCKS)/uv.lock; } \
	  || { rm -rf .uv; echo "uv is missing, and $(PYTHON) cannot make an environment for it: apt-get install python3-venv, or install uv" >&2; exit 2; }

.venv/.trainer: $(LOCKS)/trainer.lock pyproject.toml | prerequisites
	@echo "making the trainer environment: $$(grep -c == $<) packages"
	@[ -x $(TRAINER)/python ] || $(UV) venv --quiet --allow-existing --python '$(PYTHON)' .venv
	@$(PIP_INSTALL) --python $(TRAINER)/python $(LOCKED) $<
	@$(PIP_INSTALL) --python $(TRAINER)/python --no-deps --editable .
	@touch $@

.venv-airflow/.airflow: $(LOCKS)/airflow.lock pyproject.toml | prerequisites
	@echo "making the Airflow environment: $$(grep -c == $<) packages"
	@[ -x $(AIRFLOW)/python ] || $(UV) venv --quiet --allow-existing --python '$(PYTHON)' .venv-airflow
	@$(PIP_INSTALL) --python $(AIRFLOW)/python $(LOCKED) $<
	@$(PIP_INSTALL) --python $(AIRFLOW)/python --no-deps --editable .
	@touch $@

.venv/.dev: $(LOCKS)/dev.lock .venv/.trainer
	@echo "adding what tests need: $$(grep -c == $<) packages"
	@$(PIP_INSTALL) --python $(TRAINER)/python $(LOCKED) $<
	@touch $@

.venv-sequence/.sequence: $(LOCKS)/sequence.lock pyproject.toml | prerequisites
	@echo "making the sequence models' environment: $$(grep -c == $<) packages"
	@[ -x $(SEQUENCE)/python ] || $(UV) venv --quiet --allow-existing --python '$(PYTHON)' .venv-sequence
	@$(PIP_INSTALL) --python $(SEQUENCE)/python $(LOCKED) $<
	@$(PIP_INSTALL) --python $(SEQUENCE)/python --no-deps --editable .
	@touch $@

.venv-sequence/.dev: $(LOCKS)/sequence-dev.lock .venv-sequence/.sequence
	@echo "adding what tests need: $$(grep -c == $<) packages"
	@$(PIP_INSTALL) --python $(SEQUENCE)/python $(LOCKED) $<
	@touch $@

.venv-airflow/.dev: $(LOCKS)/airflow-dev.lock .venv-airflow/.airflow
	@echo "adding what tests need: $$(grep -c == $<) packages"
	@$(PIP_INSTALL) --python $(AIRFLOW)/python $(LOCKED) $<
	@touch $@
