# Every target works alone on a fresh checkout: all it needs is make and Python 3.11 or newer.
PYTHON ?= python3
PAIR ?= klipy_to_twenty

PY := .venv/bin/python
UV := .venv/bin/uv
INSTALLED := .venv/.installed
# every file in one process, as many processes as there are cores
PYTEST := -m pytest --numprocesses auto --dist loadfile
SYNC = $(UV) pip sync --quiet --require-hashes --python
# hatchling comes with the pins, so that the build downloads nothing that is not pinned
EDITABLE = $(UV) pip install --quiet --no-deps --no-build-isolation --editable . --python
COMPILE = $(UV) pip compile pyproject.toml - --all-extras --group dev --universal \
	--python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet

.PHONY: help demo up bench lint test test-matrix coverage constraints
.DELETE_ON_ERROR:

help:  ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(INSTALLED)  ## move a made-up customer between two emulators (PAIR=klipy_to_twenty)
	$(PY) -m demo $(PAIR)

up: $(INSTALLED)  ## start Airflow and the emulators on this machine
	$(PY) -m demo.up

bench: $(INSTALLED)  ## how much of what a destination permits is used, and what Airflow adds
	$(PY) -m benchmarks.load_ratio --json .bench/load_ratio.json
	$(PY) -m benchmarks.overhead --json .bench/overhead.json

lint: $(INSTALLED)  ## style, spelling, import rules, types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/codespell *.md docs
	.venv/bin/lint-imports --no-logo
	.venv/bin/mypy

test: lint  ## lint, then every test
	$(PY) $(PYTEST)

test-matrix: .venvs/3.2/.installed .venvs/lowest/.installed  ## every test on older versions
	.venvs/3.2/bin/python $(PYTEST)
	.venvs/lowest/bin/python $(PYTEST)

coverage: $(INSTALLED)  ## every test, with the lines and branches that none of them reaches
	$(PY) $(PYTEST) --cov --cov-report=term

# The two older sets are what somebody got who installed on the day of that Airflow, as with
# Airflow's own constraints. From 1.1 on, sagemaker-studio, which the Amazon provider requires,
# brings a driver for every database there is.
constraints: $(INSTALLED)  ## pin what pyproject.toml asks for (UPGRADE=--upgrade: to the newest)
	echo | $(COMPILE) $(UPGRADE) --output-file constraints.txt
	echo apache-airflow==3.2.2 apache-airflow-core==3.2.2 apache-airflow-task-sdk==1.2.2 \
		| tr ' ' '\n' | $(COMPILE) --exclude-newer 2026-06-01 --output-file constraints-3.2.txt
	echo 'sagemaker-studio<1.1' | $(COMPILE) --exclude-newer 2026-04-20 \
		--resolution lowest-direct --output-file constraints-lowest.txt

$(INSTALLED): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, $(PYTHON) is older: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' constraints.txt | \
		$(PY) -m pip install --quiet --require-hashes --requirement /dev/stdin
	$(SYNC) $(PY) constraints.txt
	$(EDITABLE) $(PY)
	touch $@

.venvs/%/.installed: constraints-%.txt pyproject.toml $(INSTALLED)
	$(UV) venv --quiet --clear --python $(PY) .venvs/$*
	$(SYNC) .venvs/$*/bin/python $<
	$(EDITABLE) .venvs/$*/bin/python
	touch $@
