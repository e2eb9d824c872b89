# Two commands for a new machine: `make demo` and `make test`. Both make .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOWEST := 5.21.0
OLD := $(VENV)/transformers-$(LOWEST)
PROCESSORS := $(VENV)/processors
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto
STEP := @.ci/step

.PHONY: demo test test-lowest test-slow test-processors test-portable check format clean

demo: $(VENV)/.installed
	$(BIN)/pyrascope plan examples/data/kodim23.png --budget 256 --out out/plan.png
	$(BIN)/pyrascope look examples/scenes/01.png --question "what number is on the red triangle?" --budget 96 \
		--out out/look.png

test: $(VENV)/.installed-test check
	$(PYTEST)
	$(MAKE) --no-print-directory test-lowest

# The adapters on the lowest version of transformers that is supported; all other packages are the latest.
test-lowest: $(OLD)/.installed
	PYTHONPATH="$(CURDIR)/$(OLD)" $(PYTEST) \
		tests/models/test_lowest.py tests/models/test_verify.py tests/models/test_prepare.py

# What is slow or needs packages of its own. CI runs it after `test`.
test-slow: test-processors

# The model types that need timm, which needs torchvision: in a folder of its own, since transformers imports torchvision
# as soon as it is installed, and beside a CPU build of torch that fails.
test-processors: $(PROCESSORS)/.installed
	PYTHONPATH="$(CURDIR)/$(PROCESSORS)" $(PYTEST) tests/models -k 'fast_vlm or gemma3n or perception_lm'

# The tests that compare numbers, as older x86-64 processors would compute them.
test-portable: $(VENV)/.installed-test
	$(BIN)/python tests/portable.py oldest --numprocesses auto
	$(BIN)/python tests/portable.py avx2 --numprocesses auto

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) out

$(BIN)/python:
	$(STEP) "Making $(VENV)" $(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(STEP) "Installing pyrascope and its packages: about a minute" \
		$(PIP) --constraint constraints.txt --editable '.[vlm]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(STEP) "Installing what the tests need: about half a minute" \
		$(PIP) --constraint constraints.txt --editable '.[dev,bench,gl,vlm]'
	@touch $@

$(OLD)/.installed: $(VENV)/.installed-test
	$(STEP) "Installing transformers $(LOWEST) in a folder of its own" \
		$(PIP) --no-deps --upgrade --target $(OLD) transformers==$(LOWEST)
	@touch $@

$(PROCESSORS)/.installed: $(VENV)/.installed-test tests/processors/sitecustomize.py
	$(STEP) "Installing torchvision and timm in a folder of their own" \
		$(PIP) --no-deps --upgrade --target $(PROCESSORS) torchvision==0.28.0 timm==1.0.31 num2words==0.5.14
	@cp tests/processors/sitecustomize.py $(PROCESSORS)/
	@touch $@
