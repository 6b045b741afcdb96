#!/usr/bin/env bash
# The cluster tests: a node, the chart, tests/e2e, an uninstall. `make e2e` sets the machine up first.
#   E2E_FILTER   run only the tests whose name contains it, and no uninstall
#   E2E_KEEP=1   leave the node up
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
node=("$root/tests/node/node")
export BLINKCHAMBER_NODE=${BLINKCHAMBER_NODE:-e2e}
. tests/lib/platform.sh

end_node_at_exit "${E2E_KEEP:-}"

# Compile before the cluster is up: the two would fight for the same cores.
cargo test --quiet --package blinkchamber-tests --features cluster --no-run
say "the tests are built"
"${node[@]}" up
"${node[@]}" load
say "the node is Ready and has the images"
install_platform > /dev/null
say "the platform is installed"
cargo=$(command -v cargo)
run() { "${node[@]}" exec "$cargo" test --package blinkchamber-tests --features cluster "$@"; }
run --test e2e -- --test-threads 4 ${E2E_FILTER:+"$E2E_FILTER"}
say "the tests are done"
if [ -z "${E2E_FILTER:-}" ]; then run --test uninstall; fi
