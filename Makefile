# What one types. `make` alone lists it. Every target can be repeated; what is up to date is skipped.

.DEFAULT_GOAL := help
.PHONY: help run build dashboards test test-long soak bench fmt tools

MODULES := dashboards/node_modules/.package-lock.json
PAGE := dashboards/dist/index.html
# Everything that the page is made from; what is made from it is left out.
PAGE_SOURCES := $(shell find dashboards -type f \
	-not -path '*/node_modules/*' -not -path 'dashboards/dist/*' -not -path 'dashboards/tests/*' 2>/dev/null)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## the hub with a private broker, a private database and the simulated city
	@echo "== starting the hub (Ctrl-C stops everything)"
	@exec target/release/ioc-hub run --local --simulate

build: tools dashboards ## the hub in release mode, with its page
	@echo "== building the hub (the first time takes some minutes)"
	@cargo build --release --locked --bin ioc-hub

dashboards: tools $(PAGE) ## the operators' page

$(MODULES): dashboards/package-lock.json | tools
	@echo "== fetching what the page is built with"
	@cd dashboards && npm ci --no-audit --no-fund
	@touch $@

$(PAGE): $(MODULES) $(PAGE_SOURCES) | tools
	@echo "== building the page"
	@cd dashboards && npm run --silent build
	@touch $@

test: ## formatting, lints, documentation, all tests, browser included (about 20 minutes)
	@tests/run short

test-long: ## faults, attacks and long browser runs (at most 40 minutes)
	@tests/run long

soak: dashboards ## half an hour at design point L with ten minutes without a database; MINUTES=2 tries it
	@SOAK_MINUTES=$(MINUTES) cargo test --release --locked --test system soak:: -- --ignored --nocapture

MINUTES ?= 30

bench: ## what the hub can do, beside bare references; BENCH="--help" tells more (about 6 minutes)
	@echo "== building the benchmark (the first time takes some minutes)"
	@cargo build --release --locked --bin ioc-hub --bin ioc-hub-bench -p ioc-hub -p ioc-hub-bench
	@target/release/ioc-hub-bench $(BENCH)

fmt: ## formats the Rust code
	@cargo fmt --all

tools:
	@tests/tools build
