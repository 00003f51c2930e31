# The two commands most people need: `make app` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
WORKERS ?= 2
S3_SERVER := .venv-moto
RAY := .venv-ray
PEERS := .venv-peers
HEADS :=
MLFLOW := .venv-mlflow
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

# Where the environment keeps Python from storing what it compiles, each process that a test starts
# compiles its libraries again: TensorFlow takes 18 seconds of a processor to import instead of 7.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: app test test-fast cluster-test screenshots bench bench-gpu words check lint types imports showcase lock clean weights

app: $(VENV)/.app weights  ## install, fetch what can be had of the weights, start on 127.0.0.1
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

weights: $(VENV)/.app
	$(BIN)/python -m core weights fetch || echo "Going on without the weights: what needs none works."

test: $(VENV)/.dev  ## the whole suite, on two cores (WORKERS=4: on four)
	$(PYTEST)

test-fast: $(VENV)/.dev  ## no browser, TensorFlow, real weights, old home or slow test: some minutes
	$(PYTEST) --ignore tests/old_home -m "not browser and not tensorflow and not weights and not slow"

# With what no other test needs: an S3 server, Ray and MLflow's client, each in an environment of its own.
cluster-test: $(VENV)/.dev $(S3_SERVER)/.installed $(RAY)/.installed $(MLFLOW)/.installed  ## S3, Ray, MLflow
	$(PYTEST) tests/storage tests/operations/test_slot.py tests/operations/test_cluster.py tests/reports/test_tracking.py

screenshots: $(VENV)/.dev  ## every page and view, wide and narrow, light and dark, into artefacts/screenshots/
	$(BIN)/python -m tests.screenshots

bench: $(VENV)/.app $(PEERS)/.installed weights  ## ours against its peers, in turn, on a quiet machine
	$(BIN)/python -m benchmarks.bench extract
	$(BIN)/python -m benchmarks.bench steps
	$(BIN)/python -m benchmarks.heads $(HEADS)
	$(BIN)/python -m benchmarks.ingest --output benchmarks/results/ingest.json
	$(BIN)/python -m benchmarks.whole_job
	$(BIN)/python -m benchmarks.growth

# With the environment of the app, else with PYTHON: a machine may have its own Keras with JAX or PyTorch.
bench-gpu:  ## the same on the GPU of this machine, with one backend (KERAS_BACKEND), in under eight minutes
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m benchmarks.bench_gpu $(PARTS)

words: $(VENV)/.dev  ## write the sentences that tests hold anew: read the change before you commit it
	$(BIN)/python -m pytest tests/analysis/words --update-words

check: $(VENV)/.dev  ## what CI runs: two at a time, as mypy leaves a core idle
	$(MAKE) --jobs 2 lint types imports test

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

SHOWN := --backbones vgg16,efficientnet_lite0,squeezenet --strategies all --preset quick --seeds 0,1,2

showcase: $(VENV)/.app weights  ## make the recorded results in data/showcase again (an hour)
	rm -rf data/showcase.new && mkdir data/showcase.new
	$(BIN)/python -m core run digits $(SHOWN) --image-size 64 --record data/showcase.new
	$(BIN)/python -m core run themes16 $(SHOWN) --record data/showcase.new
	rm -rf data/showcase && mv data/showcase.new data/showcase

lock: ## write the locked requirements again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url -c requirements.txt requirements-cluster.in -o requirements-cluster.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url -c requirements.txt -c requirements-cluster.txt requirements-dev.in -o requirements-dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url -c requirements.txt requirements-gpu.in -o requirements-gpu.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url benchmarks/requirements-peers.in -o benchmarks/requirements-peers.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url tests/storage/s3_server.in -o tests/storage/s3_server.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url -c requirements.txt tests/reports/mlflow_client.in -o tests/reports/mlflow_client.txt

# The stamps are renewed when the locked file changes; a half-finished install leaves no stamp.
$(VENV)/bin/python:
	@$(PYTHON) -c "import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else 'Headstart needs Python 3.11 to 3.13; try: make PYTHON=python3.11 app')"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "No environment could be made. On Debian or Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.app: requirements.txt | $(VENV)/bin/python
	@echo "Installing what Headstart needs: some minutes and 3 GB the first time."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

# It names all that requirements.txt does: one call of pip for both.
$(VENV)/.dev: requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing what Headstart and its tests need: some minutes and 4 GB the first time."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# Its packages cannot stand beside those of the app, and nobody but the tests needs them.
$(S3_SERVER)/.installed: tests/storage/s3_server.txt
	@$(PYTHON) -m venv $(S3_SERVER)
	@$(S3_SERVER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(PEERS)/.installed: benchmarks/requirements-peers.txt
	@echo "Installing PyTorch, ONNX Runtime and OpenVINO to compare with: 6 GB."
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Ray beside the packages of the app, which it finds in their place.
$(RAY)/.installed: requirements-cluster.txt | $(VENV)/.app
	@$(PYTHON) -m venv $(RAY)
	@$(RAY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > $$($(RAY)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/headstart.pth
	@touch $@

# MLflow's client beside the packages of the app, likewise.
$(MLFLOW)/.installed: tests/reports/mlflow_client.txt | $(VENV)/.app
	@$(PYTHON) -m venv $(MLFLOW)
	@$(MLFLOW)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > $$($(MLFLOW)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/headstart.pth
	@touch $@

clean:
	rm -rf $(VENV) $(S3_SERVER) $(RAY) $(PEERS) $(MLFLOW) .pytest_cache .hypothesis .ruff_cache .mypy_cache .import_linter_cache
