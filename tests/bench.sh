#!/usr/bin/env bash
# Ours beside the peer in one run: `make bench`, or BENCH_ONLY=agent|webhook|policies|pods|platform for a part. Writes docs/benchmarks.md.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. tests/node/lib.sh
has wrk || apt-get install -y -qq wrk > /dev/null
. tests/images/binaries.sh
build_static agent blinkchamber-agent
build_static release blinkchamber-webhook blinkchamber-tests
program=$(static_binary release blinkchamber-bench)
case ${BENCH_ONLY:-} in
  agent | webhook | policies) "$program" ;;
  "" | pods | platform)
    node=("$root/tests/node/node")
    export BLINKCHAMBER_NODE=bench
    . tests/lib/platform.sh
    trap '"${node[@]}" down' EXIT
    if [ "${BENCH_ONLY:-}" = pods ]; then tests/images/build; else tests/images/build --all; fi
    "${node[@]}" up
    "${node[@]}" load "$cache"/images/*.tar
    [ "${BENCH_ONLY:-}" = platform ] || install_platform > /dev/null
    "${node[@]}" exec env BLINKCHAMBER_SEAL="$(seal_directory)" "$program" ;;
  *) echo "BENCH_ONLY=$BENCH_ONLY is not known: use agent, webhook, policies, pods or platform" >&2; exit 2 ;;
esac
