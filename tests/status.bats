#!/usr/bin/env bats
# What `deploy-umbrella.sh status` makes of the cluster's objects: each state that a platform can be stuck in, and its hint.
bats_require_minimum_version 1.5.0
load lib/objects

setup() {
  root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
  export FAKE=$BATS_TEST_TMPDIR
  export REAL_HELM=/bin/false HELM_DRIVER=configmap
  PATH=$root/tests/cli:$PATH
  echo '[{"status": "deployed", "revision": 7, "chart": "blinkchamber-0.0.1"}]' > "$FAKE/history.json"
  echo '{"items": [{"metadata": {"name": "standard"}, "volumeBindingMode": "WaitForFirstConsumer"}]}' > "$FAKE/get-storageclasses.json"
}

status() { "$root/deploy-umbrella.sh" status "$@"; }
says() { [[ $output == *"$1"* ]] || { printf 'not in the output: %s\n%s\n' "$1" "$output"; return 1; }; }
row() { printf '%s\n' "${lines[@]}" | tr -s ' ' | grep -qx -- "$1" || { printf 'no row: %s\n%s\n' "$1" "$output"; return 1; }; }

@test "nothing is installed" {
  rm "$FAKE/history.json"
  run -1 status
  says "no release: deploy-umbrella.sh install"
}

@test "all is ready: exit code 0, leader and revision are shown" {
  objects "$(workload StatefulSet vault 3 3)" "$(pod vault-1 vault StatefulSet '{"phase": "Running"}' '{"openbao-active": "true"}')" "$(workload Job converge 1 1)"
  run -0 status
  says "blinkchamber-0.0.1, revision 7, deployed"
  row "vault blinkchamber 3/3 vault-1 - - ready"
  row "converge blinkchamber 1/1 - - - ready"
  run -0 status --json
  jq -e '.ready and .release.revision == 7 and (.components | length) == 2 and .components[1].leader == ["vault-1"]' <<< "$output"
}

@test "rotation, expiry and drift come from the cluster's own program" {
  objects "$(workload StatefulSet vault 1 1)"
  jq -n '{components: {vault: {lastRotation: (now - 7300 | todateiso8601), nextExpiry: (now + 90000 | todateiso8601)}}, drift: []}' > "$FAKE/exec"
  run -0 status
  row "vault blinkchamber 1/1 - 2h ago in 24h ready"
  jq -n '{components: {}, drift: ["policy redis-policy differs"]}' > "$FAKE/exec"
  run -1 status
  says "drift: policy redis-policy differs"
}

@test "an image that cannot be pulled is said once for all its pods" {
  objects "$(workload Deployment webhook 2 0)" "$(pod webhook-a webhook ReplicaSet "$(waiting ErrImagePull)")" "$(pod webhook-b webhook ReplicaSet "$(waiting ErrImagePull)")"
  run -1 status
  row "webhook blinkchamber 0/2 - - - error"
  [ "$(grep -c "image example/vault:1 cannot be pulled" <<< "$output")" -eq 1 ]
  says "images.* in the values"
}

@test "a container that ends again and again says its exit code and where its last words are" {
  objects "$(workload StatefulSet vault 1 0)" "$(pod vault-0 vault StatefulSet "$(waiting CrashLoopBackOff 137)")"
  run -1 status
  says "container vault of vault-0 ends again and again (exit code 137)"
  says "kubectl logs -n blinkchamber vault-0 -c vault --previous"
}

@test "volumes without a class, with an unknown one, and with one that waits for its pod" {
  objects "$(workload StatefulSet vault 1 0)" "$(claim data-vault-0 vault null)"
  run -1 status
  says "volume data-vault-0 waits: it names no StorageClass, and none is the default"
  says "kubectl annotate storageclass standard storageclass.kubernetes.io/is-default-class=true"
  objects "$(workload StatefulSet vault 1 0)" "$(claim data-vault-0 vault '"fast"')"
  run -1 status
  says "there is no StorageClass fast"
  objects "$(workload StatefulSet vault 1 0)" "$(claim data-vault-0 vault '"standard"')"
  run -1 status --json
  jq -e '.components[0].problems == []' <<< "$output"
}

@test "a quota is named while pods are missing, and forgotten once they are there" {
  event ReplicaSet webhook-6f "pods \"webhook-6f-x\" is forbidden: exceeded quota: tiny, requested: pods=1, used: pods=3, limited: pods=3"
  objects "$(workload Deployment webhook 2 1 '{"replicas": 1, "updatedReplicas": 1}')"
  run -1 status
  says "the namespace's quota lets no more pods in: exceeded quota: tiny, requested: pods=1, used: pods=3, limited: pods=3"
  objects "$(workload Deployment webhook 2 2)"
  run -0 status
}

@test "pods that the webhook or PodSecurity refused" {
  event StatefulSet redis 'create Pod redis-0 failed: Internal error occurred: failed calling webhook "inject": connection refused'
  objects "$(workload StatefulSet redis 1 0 '{"replicas": 0}')"
  run -1 status
  says "pods are refused while no webhook answers"
  event StatefulSet redis 'pods "redis-0" is forbidden: violates PodSecurity "restricted:latest": hostPath volumes'
  run -1 status
  says 'violates PodSecurity "restricted:latest": hostPath volumes'
}

@test "a sealed server, a gated pod, an agent that waits, a pod without a node, a job that gave up" {
  objects "$(workload StatefulSet vault 1 0)" "$(pod vault-0 vault StatefulSet '{"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}' '{"openbao-sealed": "true"}')"
  run -1 status
  says "vault-0 is sealed"
  objects "$(workload StatefulSet redis 1 0)" "$(pod redis-0 redis StatefulSet '{"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}')"
  run -1 status
  says "redis-0 waits at its gate for an agent"
  objects "$(workload StatefulSet redis 1 0)" "$(pod redis-0 redis StatefulSet '{"phase": "Pending", "initContainerStatuses": [{"name": "vault-agent", "state": {"running": {}}, "started": false}]}')"
  run -1 status
  says "redis-0 waits for its secrets"
  objects "$(workload StatefulSet redis 1 0)" "$(pod redis-0 redis StatefulSet '{"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient memory."}]}')"
  run -1 status
  says "redis-0 finds no node: 0/1 nodes are available: 1 Insufficient memory."
  objects "$(workload Job converge 1 0 '{"conditions": [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]}')"
  run -1 status
  says "the job gave up: BackoffLimitExceeded"
}

@test "what several pods have in common is said once" {
  gate='{"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}'
  objects "$(workload StatefulSet redis 3 1)" "$(pod redis-0 redis StatefulSet "$gate")" "$(pod redis-2 redis StatefulSet "$gate")"
  run -1 status --json
  jq -e '.components[0].problems | map(.what) == ["redis-0, redis-2: waits at its gate for an agent"]' <<< "$output"
}

@test "an upgrade that has not reached every pod is not ready" {
  objects "$(workload StatefulSet vault 3 3 '{"updatedReplicas": 1}')"
  run -1 status
  row "vault blinkchamber 3/3 - - - waiting"
}
