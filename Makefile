# The main targets are `make reproduce` and `make test`. Every target that needs .venv builds it if
# it is missing or older than requirements.lock; only a Python 3.11 to 3.13 must be there before.

BIN := .venv/bin
STAMP := .venv/.installed
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
LOCKED := --require-hashes -r requirements.lock
EDITABLE := --no-deps --no-build-isolation -e .
PIP := $(BIN)/python -m pip -q --disable-pip-version-check
NAME := ablation
VENDOR := sedlib/reports/timeline/vendor
PLOTS := .dvc/plots
MINUTES := 30
LAB :=
# Bytecode is compiled once, here. Where Python is told not to keep it, as in many containers, every
# process would compile TensorFlow again, which takes more than ten seconds.
UV := UV_SYSTEM_CERTS=true UV_COMPILE_BYTECODE=true $(BIN)/uv

# The stages and the notebooks' kernels call `python`.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# By default, NumPy asks Linux for large pages of memory. On a virtual machine, getting them may take
# longer than they save: on the one where this was measured, making the episodes took 14 to 21 %
# longer with large pages than without. So this is off here; `make NUMPY_MADVISE_HUGEPAGE=1 ...`
# turns it on.
export NUMPY_MADVISE_HUGEPAGE ?= 0

.PHONY: help install reproduce publish results experiment model spread test test-pythons torture bench
.PHONY: bench-stages lab lint lock vendor pictures clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

install: $(STAMP)  ## build .venv; other targets do so when they need it

reproduce: results  ## make every result again, and compare with the published ones
	@$(BIN)/python -m sedlib compare

publish: results  ## copy the results to the version-controlled notebooks, README, cards and figures
	@$(BIN)/python -m sedlib publish

# `dvc repro` runs one stage at a time, and most notebooks keep one core busy. So stages that do not
# need one another run in two processes first. The last `dvc repro` runs what is left. On its own it
# would run every stage, except the frozen ones, whose inputs (a sound bank) are not in a clone.
results: $(STAMP)
	@$(BIN)/dvc status --quiet || { $(BIN)/dvc repro episodes \
		&& $(MAKE) --no-print-directory --jobs=2 stages/preprocess+train stages/explore+compare+transfer \
		&& $(MAKE) --no-print-directory --jobs=2 stages/evaluate stages/detect; }
	@$(BIN)/dvc repro site

stages/%:
	@$(BIN)/dvc --wait-for-lock repro --single-item $(subst +, ,$*)

# `dvc repro` does not run frozen stages; `dvc commit` records what they were run with.
experiment: $(STAMP)  ## train the networks of an experiment again: the ablation, or NAME=transfer
	@$(BIN)/dvc repro preprocess && $(BIN)/python -m sedlib experiment $(NAME) \
		&& $(BIN)/dvc commit --force experiment_$(NAME)

# Needs the sound bank that params.yaml names as experiments.soundbank; takes about an hour.
model: $(STAMP)  ## train the model in models/released again; needs a sound bank
	@$(BIN)/python -m sedlib release && $(BIN)/dvc commit --force release

test: $(STAMP)  ## unit tests and lint, and rerun every notebook and compare (nbval)
	@$(BIN)/python -m pytest

# Environments are kept in .tox. ON=3.13 uses that Python alone, ON=lowest and ON=newest the lowest
# and the newest packages allowed. pyenv's commands run only the versions that PYENV_VERSION names.
test-pythons: export PYENV_VERSION = $(shell pyenv versions --bare 2>/dev/null | paste -sd :)
test-pythons: $(STAMP)  ## unit tests on every Python found, each in an environment of its own
	@$(BIN)/tox run $(if $(ON),-e $(ON))

# The result goes to reports/training_spread.json.
spread: $(STAMP)  ## measure how results vary between seeds and CPUs, for the tolerances of the tests
	@$(BIN)/dvc repro evaluate \
		&& $(BIN)/python tests/repository/training_spread.py

# MINUTES=10 takes less time. The result goes to reports/reliability.json and docs/reliability.md.
torture: $(STAMP)  ## kill commands, damage files and fill the disk, for 30 minutes
	@$(BIN)/python tests/torture/run.py --minutes $(MINUTES)

# The result goes to reports/benchmarks.json and docs/scale.md. Close other programs before.
bench: $(STAMP)  ## compare the time of each step with another library or its core, in about ten minutes
	@$(BIN)/python benchmarks/run.py && $(BIN)/python benchmarks/cost.py

# The result goes to reports/stages.json and docs/scale.md.
bench-stages: $(STAMP)  ## measure time and memory of the stages on 10 to 1,000 minutes of sound
	@$(BIN)/python benchmarks/stages.py

# The server's root is the checkout, where jupytext finds its configuration and pairs the files.
# Jupyter refuses to run as root, as in a container, unless told otherwise. LAB=--no-browser, or any
# other option of JupyterLab, is passed on.
lab: $(STAMP)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(LAB)

lint: $(STAMP)  ## check style and formatting
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

lock: $(STAMP)  ## pin what pyproject.toml asks for (newest of all: make lock UPGRADE=--upgrade)
	@$(UV) pip compile pyproject.toml --group test --group build --universal \
		--python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url \
		--no-annotate --no-header \
		$(UPGRADE) -q -o requirements.lock

# The VERSION files name the releases; edit them to take others. Needs npm, which checks what it gets.
# Vega goes into the page of `dvc plots`, with its licences.
vendor:  ## fetch wavesurfer.js (timelines) and Vega (`dvc plots`), and note their checksums
	@scratch=$$(mktemp -d) && npm pack --silent --pack-destination "$$scratch" "$$(cat $(VENDOR)/VERSION)" \
		&& tar xzf "$$scratch"/*.tgz -C "$$scratch" && cd $(VENDOR) \
		&& cp "$$scratch"/package/LICENSE "$$scratch"/package/dist/wavesurfer.min.js \
			"$$scratch"/package/dist/plugins/regions.min.js \
			"$$scratch"/package/dist/plugins/minimap.min.js . \
		&& sha256sum LICENSE *.js > SHA256SUMS && rm -r "$$scratch"
	@scratch=$$(mktemp -d) && for package in $$(cat $(PLOTS)/VERSION); do \
			script=$${package%@*}.min.js && npm pack --silent --pack-destination "$$scratch" "$$package" \
			&& tar xzf "$$scratch/$$(echo "$$package" | tr @ -).tgz" -C "$$scratch" \
			&& cp "$$scratch/package/build/$$script" "$$scratch" \
			&& { printf '<!-- %s\n\n' "$$package"; cat "$$scratch/package/LICENSE"; echo '-->'; \
				echo '<script>'; cat "$$scratch/$$script"; echo '</script>'; } >> "$$scratch/scripts" \
			|| exit; done \
		&& sed -e "/<!-- scripts -->/r $$scratch/scripts" \
			-e '/<!-- scripts -->/,/<!-- \/scripts -->/ { //!d; }' $(PLOTS)/page.html > "$$scratch/page" \
		&& cp "$$scratch/page" $(PLOTS)/page.html \
		&& (cd "$$scratch" && sha256sum *.js) > $(PLOTS)/SHA256SUMS && rm -r "$$scratch"

pictures: $(STAMP)  ## take the pictures of the pages in a headless Chromium, which must be installed
	@$(BIN)/python tests/pages/pictures.py

clean:  ## remove the environment, the caches and all outputs that git does not hold
	rm -rf .venv .tox .pytest_cache .ruff_cache .hypothesis sedlib.egg-info build
	rm -rf data/episodes data/features data/model data/checkpoint.npz data/scores data/events data/detected
	rm -rf data/experiments
	rm -rf reports/index.html reports/notebooks reports/site
	rm -rf .dvc/cache .dvc/tmp
	find sedlib tests notebooks -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

# Version managers leave commands of inactive Pythons on the path, so each is tried. uv comes
# from the lock itself, by hash; where it fails, pip installs the same, more slowly.
$(STAMP): requirements.lock pyproject.toml
	@$(BIN)/python -c "$(SUITABLE)" 2>/dev/null || { \
		for python in python3 python python3.11 python3.12 python3.13; do \
			if "$$python" -c "$(SUITABLE)" 2>/dev/null; then \
				echo "Building .venv with $$($$python --version)"; \
				exec "$$python" -m venv --clear .venv; \
			fi; \
		done; \
		echo "No Python 3.11 to 3.13 with venv and pip found on the PATH; install one" >&2; exit 1; }
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	@$(PIP) install -r .venv/uv.lock --require-hashes \
		&& $(UV) pip install -q --python $(BIN)/python $(LOCKED) \
		&& $(UV) pip install -q --python $(BIN)/python $(EDITABLE) \
		|| { echo "uv did not do it; pip takes some minutes" >&2; \
			$(PIP) install $(LOCKED) && $(PIP) install $(EDITABLE); }
	@touch $@
