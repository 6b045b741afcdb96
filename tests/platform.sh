#!/usr/bin/env bash
# The whole platform on a node of its own, by its own command: installs that get stuck, the contract with users, failures
# and rotations under load, an uninstall. `make platform` sets the machine up first.
#   PLATFORM_BRIEF=1  what `make test` has time for: no negative installs, nothing is killed, cut off or lost, and credentials
#                     are rotated by their command only
#   PLATFORM_FILTER   run only the Rust tests whose name contains it: no negative installs, no contract, no uninstall
#   PLATFORM_KEEP=1   leave the node up
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
node=("$root/tests/node/node")
export BLINKCHAMBER_NODE=${BLINKCHAMBER_NODE:-platform}
. tests/node/lib.sh
. tests/lib/platform.sh
filter=${PLATFORM_FILTER:-}
brief=${PLATFORM_BRIEF:-}

end_node_at_exit "${PLATFORM_KEEP:-}"

seal=$(seal_directory)
cargo test --quiet --package blinkchamber-tests --features cluster --no-run
say "the tests are built"
"${node[@]}" up
"${node[@]}" load "$cache"/images/*.tar
say "the node is Ready and has the images"
if [ -z "$filter$brief" ]; then
  "${node[@]}" exec bats --timing tests/platform/negative.bats
  say "installs that got stuck have completed"
fi
# The charts of others, which no registry brings here.
export BLINKCHAMBER_INFRA_CHART=$cache/chart-infra
tests/platform/charts/assemble "$BLINKCHAMBER_INFRA_CHART"
"${node[@]}" exec ./deploy-umbrella.sh install -f tests/values-platform.yaml --set "vault.server.seal.static.keyVolume.hostPath.path=$seal"
say "the platform is installed"
if [ -z "$filter" ]; then
  "${node[@]}" exec bats --timing tests/test_exhaustive.bats
  say "the contract with users holds"
fi
cargo=$(command -v cargo)
"${node[@]}" exec env "BLINKCHAMBER_ETCD=$cache/state/$BLINKCHAMBER_NODE/etcd" "$cargo" test --package blinkchamber-tests --features cluster \
  --test platform -- --test-threads 1 ${filter:+"$filter"} ${brief:+--skip failover --skip recovery --skip postgres::rotation --skip redis::rotation}
say "the tests are done"
if [ -z "$filter" ]; then
  "${node[@]}" exec ./deploy-umbrella.sh uninstall --yes
  left=$(kubectl get all,configmaps,persistentvolumeclaims,serviceaccounts,roles,rolebindings,networkpolicies,namespaces -A -l app.kubernetes.io/part-of=blinkchamber-platform -o name)
  [ -z "$left" ] || die "the uninstall left: $left"
  say "nothing is left"
fi
