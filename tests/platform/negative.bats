#!/usr/bin/env bats
# Installs that cannot succeed at once: `status` says why, and repairing the cause is all that is needed. Then an upgrade, a
# rollback, and an uninstall with and without data. On a node without the platform; the tests build on one another.
bats_require_minimum_version 1.5.0

setup_file() {
  export root values late=localhost/blinkchamber:late
  root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  values=(-f "$root/chart/values-demo.yaml" -f "$root/tests/values-e2e.yaml")
}

setup() {
  values=(-f "$root/chart/values-demo.yaml" -f "$root/tests/values-e2e.yaml")
  [ ! -f "$BATS_FILE_TMPDIR/failed" ] || skip "an earlier step failed"
}

teardown() { if [ -z "${BATS_TEST_COMPLETED:-}" ]; then touch "$BATS_FILE_TMPDIR/failed"; umbrella status || true; fi; }

umbrella() { "$root/deploy-umbrella.sh" "$@"; }
says() { [[ $output == *"$1"* ]] || { printf 'not in the output: %s\n%s\n' "$1" "$output"; return 1; }; }

# until SECONDS COMMAND...: repeats it until it succeeds; the limit only ends a failure.
until_it_succeeds() {
  local limit=$((SECONDS + $1))
  shift
  until "$@" > "$BATS_TEST_TMPDIR/last" 2>&1; do
    ((SECONDS < limit)) || { printf 'never succeeded: %s\n' "$*"; cat "$BATS_TEST_TMPDIR/last"; return 1; }
    sleep 2
  done
}

status_says() { umbrella status | grep -F -- "$1"; }

# The password that the first install generated; it must outlive all that is done here.
password() {
  kubectl exec -n database redis-0 -c redis -- sh -c 'cat /vault/secrets/* | sha256sum' | cut -d' ' -f1
}

# The node's own store: an image that arrives late has been there under another name.
rename_image() { ctr --address /run/containerd.sock --namespace k8s.io images "$@"; }

@test "without image, default StorageClass and quota an install goes on and says what it waits for" {
  rename_image rm "$late" > /dev/null 2>&1 || true
  kubectl create namespace blinkchamber
  kubectl label namespace blinkchamber app.kubernetes.io/part-of=blinkchamber-platform
  kubectl create quota tiny -n blinkchamber --hard pods=1
  kubectl annotate storageclass standard storageclass.kubernetes.io/is-default-class-
  run -0 umbrella install "${values[@]}" --set "images.platform=$late" --no-wait
  says "quota tiny of namespace blinkchamber is too small: pods leaves 1"
  says "no StorageClass is the default"
  until_it_succeeds 60 status_says "image $late cannot be pulled"
  until_it_succeeds 60 status_says "exceeded quota: tiny"
  until_it_succeeds 60 status_says "it names no StorageClass, and none is the default"
  run -1 umbrella status --json
  jq -e '(.ready | not) and .release.status == "deployed" and any(.components[]; .state == "error")' <<< "$output"
}

@test "once the causes are gone it completes by itself" {
  kubectl annotate storageclass standard storageclass.kubernetes.io/is-default-class=true
  kubectl delete quota tiny -n blinkchamber
  rename_image tag localhost/blinkchamber:dev "$late"
  until_it_succeeds 300 umbrella status
}

@test "with one replica of the webhook down, the rest runs, pods are injected, and status says what is missing" {
  used=$(kubectl get pods -n blinkchamber --field-selector status.phase!=Succeeded -o name | wc -l)
  kubectl create quota full -n blinkchamber --hard "pods=$((used - 1))"
  until_it_succeeds 30 test "$(kubectl get quota full -n blinkchamber -o jsonpath='{.status.used.pods}')" != ""
  kubectl delete --wait=false -n blinkchamber "$(kubectl get pods -n blinkchamber -l app.kubernetes.io/component=webhook -o name | head -n 1)"
  until_it_succeeds 60 status_says "exceeded quota: full"
  run -1 umbrella status --json
  jq -e '[.components[] | select(.state != "ready") | .component] == ["webhook"] and all(.components[]; .component != "webhook" or (.ready == 1 and .desired == 2))' <<< "$output"
  kubectl scale deployment -n database redis-client --replicas 2
  kubectl rollout status deployment -n database redis-client --timeout 120s
  kubectl scale deployment -n database redis-client --replicas 1
  kubectl delete quota full -n blinkchamber
  until_it_succeeds 300 umbrella status
}

@test "an upgrade keeps the values and the secrets; a rollback takes only the upgrade back" {
  password > "$BATS_FILE_TMPDIR/password"
  run -0 umbrella upgrade --set webhook.logLevel=debug
  run -0 env HELM_DRIVER=configmap helm get values -n blinkchamber blinkchamber -o json
  jq -e '.webhook.logLevel == "debug" and .demo.enabled' <<< "$output"
  [ "$(password)" = "$(cat "$BATS_FILE_TMPDIR/password")" ]
  run -0 umbrella rollback
  run -0 env HELM_DRIVER=configmap helm get values -n blinkchamber blinkchamber -o json
  jq -e '.webhook.logLevel == null and .demo.enabled' <<< "$output"
  [ "$(password)" = "$(cat "$BATS_FILE_TMPDIR/password")" ]
}

@test "uninstall --keep-data: a new install takes the volumes over, with the same secrets" {
  run -0 umbrella uninstall --keep-data
  says data-vault-0
  run -0 kubectl get pvc -A -o name
  [ "${#lines[@]}" -eq 3 ]
  run -0 umbrella install "${values[@]}"
  says "all components are ready"
  [ "$(password)" = "$(cat "$BATS_FILE_TMPDIR/password")" ]
}

@test "uninstall leaves nothing" {
  run -0 umbrella uninstall --yes
  for kind in pods services configmaps deployments statefulsets jobs serviceaccounts roles rolebindings clusterroles clusterrolebindings \
    mutatingwebhookconfigurations networkpolicies poddisruptionbudgets persistentvolumeclaims namespaces leases; do
    run -0 kubectl get "$kind" -A -l app.kubernetes.io/part-of=blinkchamber-platform -o name
    [ -z "$output" ] || { echo "$output"; return 1; }
  done
  run -0 kubectl get secrets,configmaps -A -l owner=helm -o name
  [ -z "$output" ]
  run -1 umbrella status
  says "no release"
  run -0 umbrella uninstall --yes
}
