# Two commands do everything on a fresh machine: `make run` and `make test`.
# They need Python 3.11 to 3.13, make and a package index. All else goes into .venv/.

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready
BEGUN  := .venv/.begun
MIRROR ?= $(CIFARLIB_MIRROR)

# The tiers of the tests: docs/contributor.md says what is marked how, tests/tiers.py keeps it so.
# Processor time of a tier, in multiples of that of `import keras`, has a ceiling in budget.toml.
LIGHT := not process and not training and not large and not slow
TIER  := $(BIN)/python tests/tier_time.py
UNIT  := $(BIN)/python -m pytest tests --ignore tests/browser

.PHONY: help run check test slow lab lint light unit processes rest notebooks quick accept book browser lock bench
.PHONY: clean

help:  ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(READY)  ## run the whole course (or NOTEBOOKS="00 02") on embedded data, with a page of results
	$(BIN)/cifarlib run $(NOTEBOOKS) --profile smoke --out runs/smoke --jobs $(or $(JOBS),2)

check: $(READY)  ## while editing: lint, and tests without processes, trainings, large networks
	$(TIER) check $(MAKE) --no-print-directory lint light

test: lint  ## before every commit: everything CI checks, all tests but the slow ones
	$(TIER) test $(MAKE) --no-print-directory --jobs 2 --output-sync=target notebooks processes rest

slow: $(READY)  ## before a release, or after a change to processes, kernels, jails, backends: the rest
	$(UNIT) -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

light: $(READY)
	$(UNIT) -m "$(LIGHT)"

unit: $(READY)
	$(UNIT) -m "not slow"

processes: $(READY)  # the two halves of `unit`, to keep two cores busy beside the notebooks
	$(UNIT) -m "process and not slow"

rest: $(READY)
	$(UNIT) -m "not process and not slow"

notebooks: $(READY)
	CIFARLIB_PROFILE=smoke CIFARLIB_QUIET=1 TF_CPP_MIN_LOG_LEVEL=2 \
	  $(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=300 \
	  -p no:cacheprovider $$(grep -l '"output_type"' notebooks/*.ipynb)

lab: $(READY)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

quick: $(READY)  ## run the course on real data (MIRROR=DIR, the Keras cache, or a download)
	$(BIN)/cifarlib run --profile quick $(if $(MIRROR),--mirror $(MIRROR)) --out runs/quick \
	  $(if $(JOBS),--jobs $(JOBS))

accept: $(READY)  ## take outputs and results of `make quick` into notebooks/ and the ledger
	$(BIN)/cifarlib accept runs/quick

book: $(READY)  ## build the course page in build/book from what is committed, without a network
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going \
	  --conf-dir docs --builder html . build/book
	@echo "The course page is build/book/index.html"

browser: $(READY)  ## try JupyterLab and the course page in a real Chromium
	$(BIN)/python -m pytest tests/browser

lock: $(READY)  ## renew requirements.lock after a change to pyproject.toml (UPGRADE=1: newest versions)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --all-extras --no-emit-index-url --no-header --no-annotate $(if $(UPGRADE),--upgrade) \
	  pyproject.toml --output-file requirements.lock

bench: $(READY)  ## measure how fast the course is on real data, and write benchmarks/README.md: some hours
	for name in epochs beat_the_reports frozen_features augmentation basics grading attacks runner; do \
	  CIFARLIB_MIRROR=$(MIRROR) $(BIN)/python benchmarks/$$name.py || exit 1; done
	$(BIN)/python benchmarks/page.py

clean:  ## remove the environment, all runs and the course page
	rm -rf .venv runs build

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
	  "This course needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is %d.%d. Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" % v)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@# What an interrupted installation leaves behind counts as installed, and is not whole.
	@if [ -f $(BEGUN) ]; then echo "The last installation was interrupted: it starts anew."; rm -rf .venv; fi
	$(PYTHON) -m venv .venv
	@touch $(BEGUN)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# Messages that TensorFlow's C++ code prints go to the terminal, not into the notebooks.
	@mkdir -p .venv/etc/ipython
	@echo "c.IPKernelApp.capture_fd_output = False" > .venv/etc/ipython/ipython_kernel_config.py
	@# JupyterLab asks everybody about news, and gets them from a network.
	@$(BIN)/jupyter labextension disable @jupyterlab/apputils-extension:announcements
	@rm $(BEGUN) && touch $(READY)
