# What runs, what leads, what expires, and what is wrong. Sourced by deploy-umbrella.sh.
# shellcheck shell=bash

# observe: reads the cluster into $work/status.json: {release, ready, components: [...], platform}.
observe() {
  scratch
  kube get deployments,statefulsets,daemonsets,jobs,pods,persistentvolumeclaims --all-namespaces -l "$selector" -o json > "$work/objects.json" 2> "$work/error" ||
    fail $exit_server "the cluster's objects cannot be read: $(tail -n 1 "$work/error")" "kubectl auth can-i list pods --all-namespaces"
  kube get events --all-namespaces --field-selector type=Warning -o json > "$work/events.json" 2> /dev/null || echo '{"items": []}' > "$work/events.json"
  kube get storageclasses -o json > "$work/classes.json" 2> /dev/null || echo '{"items": null}' > "$work/classes.json"
  kube get leases --all-namespaces -l "$selector" -o json > "$work/leases.json" 2> /dev/null || echo '{"items": []}' > "$work/leases.json"
  jq -n -L "$here/deploy" --slurpfile objects "$work/objects.json" --slurpfile events "$work/events.json" --slurpfile classes "$work/classes.json" \
    --slurpfile leases "$work/leases.json" --slurpfile platform <(platform_facts) --arg release "$(release_state)" --arg namespace "$namespace" \
    -f "$here/deploy/status.jq" > "$work/status.json"
}

# platform_facts: what the cluster's own program knows beyond Kubernetes (rotations, expiries, drift), or nothing.
platform_facts() {
  [ -z "${without_facts:-}" ] || return 0
  timeout 10 kubectl ${context:+--context "$context"} exec --namespace "$namespace" deployment/blinkchamber-bootstrap -- \
    /blinkchamber-bootstrap status --json 2> /dev/null || true
}

print_status() { jq -r -L "$here/deploy" -f "$here/deploy/table.jq" "$work/status.json"; }

run_status() {
  reach
  choose_driver
  observe
  if [ -n "$json" ]; then jq . "$work/status.json"; else print_status; fi
  jq -e .ready "$work/status.json" > /dev/null || return $exit_findings
}
