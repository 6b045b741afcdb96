# The project's commands. Each sets up what it needs (tests/setup.sh) and does nothing twice.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup check test e2e platform bench demo demo-down images reproducible node-up node-down

node := tests/node/node

help: ## this list
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

demo: setup images ## the whole story in the terminal, on a real Kubernetes node that stays up
	@tests/demo.sh

demo-down: node-down ## stop the demo's node and leave nothing behind

check: ## format, lints, dependencies, house rules, generated documents, chart
	@tests/check.sh

test: setup ## everything: units, the node itself, reproducible images, the platform on a real node
	@tests/images/build --all
	@tests/test.sh

e2e: setup images ## only the cluster tests, on a node that is kept: E2E_FILTER=rotation make e2e
	@E2E_KEEP=$${E2E_KEEP-1} tests/e2e.sh

platform: setup ## the whole HA platform: contract, failures, rotations (PLATFORM_FILTER=redis, PLATFORM_KEEP=1)
	@tests/images/build --all
	@tests/platform.sh

bench: setup ## our programs beside the peers', in one run; writes docs/benchmarks.md (BENCH_ONLY=agent|webhook|policies|pods|platform: a part)
	@tests/bench.sh

setup: ## packages, tools and the programs of Kubernetes; minutes once, then a second
	@tests/setup.sh

images: ## OCI archives of the platform and its demo applications, without Docker
	@tests/images/build

reproducible: images ## build the programs again in another directory: the images must not change
	@tests/images/check-binaries

node-up: ## start the test node alone: then tests/node/node kubectl ...
	@$(node) up

node-down: ## stop it
	@$(node) down
