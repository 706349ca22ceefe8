# Two commands do everything on a fresh machine: `make run` and `make test`.
# They need Python 3.11 to 3.13, make and a package index. All else goes into .venv/.

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready
MIRROR ?= $(CIFARLIB_MIRROR)

.PHONY: help run test lab unit notebooks quick accept lock lint clean

help:  ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(READY)  ## run the whole course (or NOTEBOOKS="00 02") on embedded data, with a page of results
	$(BIN)/cifarlib run $(NOTEBOOKS) --profile smoke --out runs/smoke

test: lint  ## everything CI checks
	$(MAKE) --jobs 2 --output-sync=target unit notebooks

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

unit: $(READY)
	$(BIN)/python -m pytest tests

notebooks: $(READY)
	CIFARLIB_PROFILE=smoke CIFARLIB_QUIET=1 TF_CPP_MIN_LOG_LEVEL=2 \
	  $(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=300 \
	  -p no:cacheprovider $$(grep -l '"output_type"' notebooks/*.ipynb)

lab: $(READY)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

quick: $(READY)  ## run the course on real data (MIRROR=DIR, the Keras cache, or a download)
	$(BIN)/cifarlib run --profile quick $(if $(MIRROR),--mirror $(MIRROR)) --out runs/quick

accept: $(READY)  ## take outputs and results of `make quick` into notebooks/ and the ledger
	$(BIN)/cifarlib accept runs/quick

lock: $(READY)  ## renew requirements.lock after a change to pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --all-extras --no-emit-index-url --no-header --no-annotate --upgrade \
	  pyproject.toml --output-file requirements.lock

clean:  ## remove the environment and all runs
	rm -rf .venv runs

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
	  "This course needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is %d.%d. Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" % v)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# Messages that TensorFlow's C++ code prints go to the terminal, not into the notebooks.
	@mkdir -p .venv/etc/ipython
	@echo "c.IPKernelApp.capture_fd_output = False" > .venv/etc/ipython/ipython_kernel_config.py
	@touch $(READY)
