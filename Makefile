.DEFAULT_GOAL := setup
# make test PY=3.11 works in .venv-3.11, with that Python
VENV := .venv$(if $(PY),-$(PY))
PYTHON := $(VENV)/bin/python
CHECKED := basalt train convert lava_procs deploy study tests tools

.PHONY: setup demo test lint format pipeline lock audit clean help

setup: ## build .venv (Python 3.11 to 3.13 and everything locked in requirements.txt); quick when it is there
	@tools/bootstrap $(PY)

demo: setup ## train the default recipe, export, verify, run in Lava, price; ends by naming the report
	$(PYTHON) train/main.py
	$(PYTHON) convert/export.py
	$(PYTHON) deploy/main.py verify
	$(PYTHON) deploy/main.py run
	@report=$$(ls -t runs/*/deploy-*/report.html | head -n 1) && echo "The report: $$report"

test: setup ## run the tests; make test ARGS="tests/train -k recipe" runs some
	$(PYTHON) -m pytest $(ARGS)

lint: setup ## check style, format and types
	$(PYTHON) -m ruff check $(CHECKED)
	$(PYTHON) -m ruff format --check $(CHECKED)
	$(PYTHON) -m mypy

format: setup ## put style and format right where a tool can
	$(PYTHON) -m ruff check --fix $(CHECKED)
	$(PYTHON) -m ruff format $(CHECKED)

pipeline: setup ## draw docs/pipeline.svg from what is registered
	$(PYTHON) tools/pipeline.py

lock: ## compile requirements.in and tools/*.in again; make lock ARGS=--upgrade takes newer versions
	@tools/lock $(ARGS)

audit: ## look for published advisories on what is locked; needs a network
	@tools/audit $(ARGS)

clean: ## remove .venv, .tools and caches; runs/ stays
	rm -rf .venv .venv-* .tools build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16
