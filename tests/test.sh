#!/usr/bin/env bash
# Everything that must hold, slowest last. `make test` sets the machine up and makes the images first.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
. tests/node/lib.sh

part() {
  local start=$SECONDS
  printf '\n== %s\n' "$1"
  "${@:2}"
  printf '== %s: passed after %d s\n' "$1" $((SECONDS - start))
}

part "units and servers" cargo test --quiet --workspace --locked
part "the chart" tests/chart.sh
part "the command line" bats tests/cli.bats tests/status.bats
part "two builds of an image are the same" tests/images/check
part "the node" tests/node/check
part "agent, webhook and OpenBao on the node" tests/e2e.sh
part "the whole platform on the node" env PLATFORM_BRIEF=1 tests/platform.sh
