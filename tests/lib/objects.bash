# Kubernetes objects as the API server shows them, for tests of the status without a cluster. Sourced by bats.
# shellcheck shell=bash disable=SC2154 # FAKE comes from the test

# node CPU MEMORY [READY]
node() {
  jq -n --arg cpu "$1" --arg memory "$2" --arg ready "${3:-true}" \
    '{items: [{metadata: {name: "node-0"}, status: {allocatable: {cpu: $cpu, memory: $memory}, conditions: [{type: "Ready", status: (if $ready == "true" then "True" else "False" end)}]}}]}' > "$FAKE/get-nodes.json"
}

# quota NAMESPACE RESOURCE HARD USED
quota() {
  jq -n --arg namespace "$1" --arg key "$2" --arg hard "$3" --arg used "$4" \
    '{items: [{metadata: {name: "small", namespace: $namespace}, status: {hard: {($key): $hard}, used: {($key): $used}}}]}' > "$FAKE/get-resourcequotas.json"
}

# workload KIND COMPONENT DESIRED READY [STATUS-JSON]
workload() {
  local status=${5:-"{}"}
  jq -n --arg kind "$1" --arg name "$2" --argjson desired "$3" --argjson ready "$4" --argjson status "$status" \
    '{kind: $kind, metadata: {name: $name, namespace: "blinkchamber", generation: 1, labels: {"app.kubernetes.io/component": $name}}} +
     if $kind == "Job" then {spec: {completions: $desired}, status: ({succeeded: $ready} + $status)}
     else {spec: {replicas: $desired}, status: ({observedGeneration: 1, replicas: $desired, readyReplicas: $ready, updatedReplicas: $desired} + $status)} end'
}

# pod NAME COMPONENT OWNER-KIND STATUS-JSON [LABELS-JSON]
pod() {
  local labels=${5:-"{}"}
  jq -n --arg name "$1" --arg component "$2" --arg owner "$3" --argjson status "$4" --argjson labels "$labels" \
    '{kind: "Pod", metadata: {name: $name, namespace: "blinkchamber", labels: ({"app.kubernetes.io/component": $component} + $labels), ownerReferences: [{kind: $owner}]}, status: $status}'
}

# waiting REASON [EXIT-CODE]: the status of a pod whose container waits.
waiting() {
  jq -n --arg reason "$1" --argjson code "${2:-1}" \
    '{phase: "Pending", conditions: [], containerStatuses: [{name: "vault", image: "example/vault:1", state: {waiting: {reason: $reason}}, lastState: {terminated: {exitCode: $code}}}]}'
}

# claim NAME COMPONENT CLASS-JSON
claim() {
  jq -n --arg name "$1" --arg component "$2" --argjson class "$3" \
    '{kind: "PersistentVolumeClaim", metadata: {name: $name, namespace: "blinkchamber", labels: {"app.kubernetes.io/component": $component}}, spec: {storageClassName: $class}, status: {phase: "Pending"}}'
}

# event OBJECT-KIND OBJECT MESSAGE
event() {
  jq -n --arg kind "$1" --arg name "$2" --arg message "$3" \
    '{items: [{reason: "FailedCreate", message: $message, lastTimestamp: "2026-01-01T00:00:00Z", involvedObject: {kind: $kind, name: $name, namespace: "blinkchamber"}}]}' > "$FAKE/get-events.json"
}

# objects OBJECT...: what the cluster holds.
objects() {
  printf '%s\n' "$@" | jq -s '{items: .}' > "$FAKE/get-deployments,statefulsets,daemonsets,jobs,pods,persistentvolumeclaims.json"
}
