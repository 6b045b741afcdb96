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
# Two nodes that mostly wait, beside each other; each part's words come in one piece.
together() {
  local logs pids=() names=() failed=0 at
  logs=$(mktemp -d)
  trap 'kill "${pids[@]}" 2> /dev/null || true; wait; rm -rf "$logs"' EXIT
  while [ $# -gt 0 ]; do
    "$2" > "$logs/${#pids[@]}" 2>&1 &
    pids+=($!)
    names+=("$1")
    shift 2
  done
  for at in "${!pids[@]}"; do
    printf '\n== %s\n' "${names[at]}"
    wait "${pids[at]}" || failed=1
    cat "$logs/$at"
    [ $failed -eq 0 ] || return 1
    printf '== %s: passed, %d s since the start\n' "${names[at]}" $SECONDS
  done
}

export PLATFORM_BRIEF=1
together "agent, webhook and OpenBao on the node" tests/e2e.sh "the whole platform on a node of its own" tests/platform.sh
