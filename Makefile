# Every verb of this house. `make help` prints the sentence beside each; CI calls the same verbs as a person.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
# rustup keeps its toolchains beside its programs; with another HOME it would look in the wrong place.
RUSTUP_BESIDE_CARGO := $(abspath $(dir $(shell command -v cargo))../../.rustup)
ifeq ($(RUSTUP_HOME)$(wildcard $(HOME)/.rustup),)
ifneq ($(wildcard $(RUSTUP_BESIDE_CARGO)),)
export RUSTUP_HOME := $(RUSTUP_BESIDE_CARGO)
endif
endif
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export npm_config_audit := false
export npm_config_fund := false
export npm_config_update_notifier := false

B := .build
UV := $(B)/uv/bin/uv
CORE := $(shell find crates -type f \( -name '*.rs' -o -name Cargo.toml \) 2>/dev/null) Cargo.toml Cargo.lock
PAGE := $(shell find web -type f -not -path '*/node_modules/*' -not -name '*.test.*' 2>/dev/null)

.PHONY: help build run test check fuzz bench screens docs wheel clean distclean tools

help:  ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: $(B)/page.done $(B)/core.done  ## Build what is missing or stale: the .venv, the media core, the page
	@echo "moot is built: .venv/bin/moot serve"

run: build  ## Build what is missing, then start moot at http://localhost:3000
	@exec .venv/bin/moot serve

test: build  ## Run every test there is; install what they need first (PARTS="unit browser" runs some)
	@exec .venv/bin/python -m scripts.test $(PARTS)

check: build  ## Check format, lint, types, imports, licences, known holes, rules without a test, stale documents
	@exec .venv/bin/python -m scripts.check $(PARTS)

fuzz: $(B)/venv.done  ## Throw hostile bytes at the media engine, ten minutes a target (SECONDS=10 for less)
	@exec .venv/bin/python -m scripts.fuzz $(or $(SECONDS),600) $(PARTS)

bench: build  ## Measure moot beside its peers and write docs/benchmarks.md (QUICK=1 for under five minutes)
	@exec .venv/bin/python -m scripts.bench $(if $(QUICK),--quick) $(PARTS)

screens: build  ## Take the pictures of every screen that the documents show
	@exec .venv/bin/python -m scripts.screens

docs: $(B)/venv.done  ## Write the documents that are made from the code
	@.venv/bin/python -m scripts.docs

wheel: $(B)/page.done $(B)/venv.done  ## Build the wheel that carries everything, into dist/
	@.venv/bin/maturin build --release --locked --out dist

clean:  ## Remove what make has built, but for the downloaded dependencies
	rm -rf $(B)/*.done src/moot/page src/moot/_media*.so web/dist target dist

distclean: clean  ## Remove everything that is not in the repository's history
	rm -rf $(B) .venv web/node_modules tests/livekit/bin tests/sdk_go/bin

tools: | $(B)
	@$(PYTHON) scripts/tools.py

$(B):
	@mkdir -p $@

$(UV): scripts/tools.py | $(B)
	@$(PYTHON) scripts/tools.py
	@$(PYTHON) scripts/uv.py $(B)/uv

# The package itself is installed by maturin; the .pth lets the source run before the core is built.
$(B)/venv.done: pyproject.toml uv.lock | $(UV)
	@echo "== .venv: the Python packages of uv.lock"
	@$(UV) sync --quiet --frozen --no-install-project --inexact --compile-bytecode --python "$$(command -v $(PYTHON))"
	@echo "$(CURDIR)/src" > "$$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/moot.pth"
	@touch $@

$(B)/core.done: $(CORE) $(B)/venv.done
	@echo "== moot._media: the media core (the first time takes some minutes)"
	@PATH="$(CURDIR)/$(B)/uv/bin:$$PATH" VIRTUAL_ENV="$(CURDIR)/.venv" .venv/bin/maturin develop --release --locked --uv
	@touch $@

$(B)/page.modules: web/package.json web/package-lock.json | $(UV)
	@echo "== web: the packages of package-lock.json"
	@cd web && npm ci --no-progress --loglevel=error
	@touch $@

$(B)/page.done: $(PAGE) $(B)/page.modules
	@echo "== web: the meeting page"
	@cd web && npm run --silent build
	@touch $@
