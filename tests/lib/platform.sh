# Shared by the demo and the cluster tests: install the chart, act as OpenBao's operator, say what happens and when.
# Needs `node` (an array: the cluster tool) and `root` (the project's directory) from the script that sources it.

started=$(date +%s.%N)

# One line with the seconds since the start.
say() { printf '%7.1f s  %s\n' "$(echo "$(date +%s.%N) - $started" | bc)" "$*"; }

kubectl() { "${node[@]}" kubectl "$@"; }

# Installs or upgrades the release and waits until everything is ready. Arguments: further helm arguments.
install_platform() {
  "${node[@]}" exec helm upgrade --install blinkchamber "$root/chart" --namespace blinkchamber --create-namespace \
    -f "$root/chart/values-demo.yaml" -f "$root/tests/values-e2e.yaml" \
    --wait --wait-for-jobs --timeout 8m "$@"
}

# Members of OpenBao share one key, which the machine that they run on brings along: prints the directory that holds it.
seal_directory() {
  local seal=${cache:?tests/node/lib.sh is sourced before}/seal/$BLINKCHAMBER_NODE
  if [ ! -f "$seal/seal.key" ]; then
    mkdir -p "$seal"
    (umask 077 && head -c 32 /dev/urandom > "$seal/seal.key")
    chown -R 10001:10001 "$seal"
    chmod 0400 "$seal/seal.key"
  fi
  echo "$seal"
}

. "$root/tests/lib/bao.sh"

# end_node_at_exit KEEP: takes the node down when the script ends, unless KEEP is 1; a run that failed says first what is wrong.
end_node_at_exit() {
  keep_node=$1
  trap finish EXIT
}

finish() {
  local status=$?
  if [ $status -ne 0 ]; then diagnose >&2; fi
  if [ "$keep_node" != 1 ]; then "${node[@]}" down; fi
  exit $status
}

# What went wrong, for a run that failed: everything that is not as it should be.
diagnose() {
  "${node[@]}" exec "$root/deploy-umbrella.sh" status || true
  kubectl get pods -A -o wide || true
  kubectl get events -A --sort-by=.lastTimestamp | tail -n 40 || true
  local pod
  for pod in $(kubectl get pods -n blinkchamber -o name || true) $(kubectl get pods -n database -o name --field-selector=status.phase!=Running || true); do
    echo "--- $pod"
    kubectl logs -n blinkchamber "$pod" --all-containers --tail 30 2> /dev/null || kubectl logs -n database "$pod" --all-containers --tail 30 2> /dev/null || true
  done
}
