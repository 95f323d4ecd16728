# Every task of this repo; CI, the hooks and people call the same ones. `make help` explains them.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Needed on the machine: git, make, Python 3.11 to 3.13 with venv, Terraform (or OpenTofu, see TERRAFORM_BINARY_NAME).
# uv and Node come as Python packages; nothing is installed outside this folder.
PYTHON ?= python3
UV_VERSION := 0.13.9
ONLY ?=
TESTS ?= tests
PROCESSES ?= 2

BIN := .venv/bin
UV := .bootstrap/bin/uv
TERRAFORM := $(or $(TERRAFORM_BINARY_NAME),terraform)

# Stamps say when each part was set up; they lie in what they speak of, so that removing that removes them too.
UV_STAMP := .bootstrap/.uv-$(UV_VERSION)
VENV_STAMP := .venv/.synced
NODE_STAMP := node_modules/.installed
TEMPLATE_STAMP := .venv/.mlflow-template
READY := $(VENV_STAMP) $(NODE_STAMP) $(TEMPLATE_STAMP)

.PHONY: help setup doctor demo test lint types imports format bench clean terraform

help: ## explain each target
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## set up Python packages, Node packages and the MLflow database; only what changed

doctor: $(VENV_STAMP) ## say what is missing on this machine, and what to do
	@$(BIN)/branchline doctor

demo: terraform $(READY) ## deploy dev, staging and prod on this machine; train, promote and score in each
	@$(BIN)/branchline demo

test: terraform $(READY) lint types imports ## set up and run all checks; TESTS=tests/ci runs some of them
	$(BIN)/pytest -n $(PROCESSES) $(TESTS)

lint: $(READY) ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## check types
	$(BIN)/mypy

imports: $(READY) ## check who imports whom
	$(BIN)/lint-imports

format: $(VENV_STAMP) ## put the code into the common format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: terraform $(READY) ## run the benchmarks and rewrite docs/benchmarks.md; ONLY=synth runs one, its row last
	@$(BIN)/python -m tests.benchmarks $(ONLY)

clean: ## stop the workspace and remove all that was set up, deployed and measured here
	@if [ -x $(BIN)/branchline ] && [ -d .branchline/workspace ]; then $(BIN)/branchline workspace down; fi
	rm -rf .branchline cdktf.out node_modules .venv .bootstrap
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

terraform:
	@command -v $(TERRAFORM) >/dev/null 2>&1 || { \
	  echo "$(TERRAFORM) is missing: get Terraform from HashiCorp's site (developer.hashicorp.com/terraform/install)," \
	    "or OpenTofu from opentofu.org and set TERRAFORM_BINARY_NAME=tofu." >&2; exit 1; }

$(UV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13: name one that is, as in 'make setup PYTHON=python3.11'." >&2; exit 1; }
	$(PYTHON) -m venv --clear .bootstrap
	.bootstrap/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(VENV_STAMP): pyproject.toml uv.lock $(UV_STAMP)
	UV_PYTHON_DOWNLOADS=never $(UV) sync --locked --python .bootstrap/bin/python
	@touch $@

$(NODE_STAMP): package.json package-lock.json | $(VENV_STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(TEMPLATE_STAMP): $(VENV_STAMP)
	$(BIN)/python -m infra.workspace.tracking.template
	@touch $@
