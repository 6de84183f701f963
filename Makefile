# Two commands matter: `make demo` and `make test`.

# OpenBLAS would start threads of its own under rayon's, and two pools on the same cores are slower than one. `compare`
# takes it away again: numpy's OpenBLAS has no pool above it.
export OPENBLAS_NUM_THREADS = 1

CARGO ?= cargo
PYTHON ?= python3
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-sources contract lint fmt openapi docs pictures bench bench-committees bench-parts load compare peers examples image-check deps

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: deps ## start the service, run selections over HTTP, print them (ARGS=--once to leave at the end)
	$(CARGO) run -- demo $(ARGS)

test: deps ## every test of the workspace, with cargo-nextest where it is installed
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		set -x; $(CARGO) nextest run --workspace $(ARGS); \
	else \
		set -x; $(CARGO) test --workspace --lib --bins --tests $(ARGS); \
	fi
	$(CARGO) test --workspace --doc

test-sources: deps ## the tests of datasets in object stores, which the default build leaves out
	$(CARGO) test --features object-store --lib --test it -- reference object_store

contract: deps ## hold the running service to its OpenAPI document with schemathesis (needs python3 and PyPI)
	$(CARGO) build
	PYTHON=$(PYTHON) tests/contract/run $(ARGS)

lint: deps ## format, clippy and documentation, where a warning is an error
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

fmt: ## format the sources
	$(CARGO) fmt --all

openapi: deps ## write openapi/openapi.json and openapi/errors.md from the code
	$(CARGO) build
	$(CARGO) run --quiet -- openapi > openapi/openapi.json
	$(CARGO) run --quiet -- openapi --errors > openapi/errors.md

docs: deps ## write the tables of docs/operations.md and docker/config.example.toml from the code
	$(CARGO) build
	$(CARGO) run --quiet -- settings > docker/config.example.toml
	$(CARGO) run --quiet -- settings --markdown > target/settings.md
	$(CARGO) run --quiet -- openapi --metrics > target/metrics.md
	for table in settings metrics; do \
		sed -i -e "/^<!-- $$table: generated -->$$/,/^<!-- $$table: end -->$$/{//!d}" \
			-e "/^<!-- $$table: generated -->$$/r target/$$table.md" docs/operations.md; \
	done

pictures: deps ## draw docs/pictures, what each objective and optimizer selects, for docs/objectives.md
	$(CARGO) run -p submodular --example pictures

bench: deps ## the first pass as a share of the machine's multiply-add peak
	$(CARGO) bench -p submodular --bench first_pass $(ARGS)

bench-committees: deps ## committees of 100 of 2,000 candidates by 10,000 voters, under every rule
	$(CARGO) bench -p submodular --bench committees $(ARGS)

bench-parts: deps ## a million rows in 40 parts within 4 GiB, killed on the way, and draws from a million gains (FEWER_BIN=, ARGS=--twice)
	$(if $(FEWER_BIN),,$(CARGO) build --release)
	FEWER_BIN=$(FEWER_BIN) $(PYTHON) benches/parts.py $(ARGS)

load: deps ## the service under a crowd of clients, its submits and its waits (ARGS="--seconds 60 --clients 200 --think-ms 100")
	$(CARGO) bench --bench load -- $(ARGS)

compare: deps ## lazy greedy beside a plain numpy one (ARGS="VECTORS.npy K")
	$(CARGO) build --release
	env -u OPENBLAS_NUM_THREADS $(PYTHON) benches/compare_numpy.py $(ARGS)

peers: deps ## fewer beside apricot, submodlib, divsel, pyversity and numpy; writes docs/peers.md (FEWER_BIN=, ARGS=--quick)
	$(if $(FEWER_BIN),,$(CARGO) build --release)
	env -u OPENBLAS_NUM_THREADS FEWER_BIN=$(FEWER_BIN) PYTHON=$(PYTHON) benches/peers/run $(ARGS)

examples: deps ## run the Python examples against a fresh service (needs the packages of examples/requirements.txt)
	$(CARGO) build
	PYTHON=$(PYTHON) examples/check.sh target/debug/fewer

image-check: deps ## run the release binary in a root like the container's (needs root; MIRROR= for another mirror)
	$(CARGO) build --release
	docker/image-check.sh target/release/fewer

deps: ## install libopenblas-dev and pkg-config where they are missing
	@command -v $(CARGO) >/dev/null || { \
		echo "make: cargo not found. Install Rust (https://rustup.rs); rust-toolchain.toml names the version." >&2; exit 1; }
	@if pkg-config --exists openblas 2>/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
		echo "make: OpenBLAS with its headers, or pkg-config, is missing. Install both (Fedora: openblas-devel pkgconf, Arch: openblas pkgconf)." >&2; exit 1; \
	fi; \
	if [ "$$(id -u)" -eq 0 ]; then sudo=; \
	elif command -v sudo >/dev/null; then sudo=sudo; \
	else echo "make: libopenblas-dev and pkg-config are missing, and installing them needs root or sudo." >&2; exit 1; fi; \
	echo "make: installing libopenblas-dev and pkg-config with $${sudo:+sudo }apt-get"; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libopenblas-dev pkg-config
