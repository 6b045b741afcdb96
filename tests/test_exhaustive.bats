#!/usr/bin/env bats
# What users of the platform rely on, asserted on the installed one. Runs after ./deploy-umbrella.sh install with
# tests/values-platform.yaml (its operator may look into OpenBao); kubectl and helm must be on the PATH.
bats_require_minimum_version 1.5.0

platform=app.kubernetes.io/part-of=blinkchamber-platform

setup() { root=$(cd "$BATS_TEST_DIRNAME/.." && pwd); }

# A test that says what it saw when it fails.
says() { [[ $output == *"$1"* ]] || { printf 'not in the output: %s\n%s\n' "$1" "$output"; return 1; }; }
silent_about() { [[ $output != *"$1"* ]] || { printf 'in the output: %s\n%s\n' "$1" "$output"; return 1; }; }
umbrella() { "$root/deploy-umbrella.sh" "$@"; }

. "$BATS_TEST_DIRNAME/lib/bao.sh"

# ready NAMESPACE KIND NAME COUNT
ready() {
  local count
  count=$(kubectl get "$2" -n "$1" "$3" -o jsonpath='{.status.readyReplicas}/{.spec.replicas}')
  [ "$count" = "$4/$4" ] || { echo "$2 $3 in $1: $count ready, not $4/$4"; return 1; }
}

# --- what is there

@test "namespaces carry the platform's label, and those of ours are restricted" {
  for namespace in blinkchamber database identity; do
    run -0 kubectl get namespace "$namespace" -o jsonpath='{.metadata.labels.app\.kubernetes\.io/part-of}'
    [ "$output" = blinkchamber-platform ]
  done
  for namespace in database identity; do
    run -0 kubectl get namespace "$namespace" -o jsonpath='{.metadata.labels.pod-security\.kubernetes\.io/enforce}'
    [ "$output" = restricted ]
  done
}

@test "kubectl get pods -A -l $platform lists every pod, and all are ready" {
  run -0 kubectl get pods -A -l "$platform" -o json
  jq -e '.items | length >= 15' <<< "$output"
  jq -r '.items[] | select(.status.phase != "Succeeded") | select(any(.status.conditions[]; .type == "Ready" and .status == "True") | not) | .metadata.name' <<< "$output" > "$BATS_TEST_TMPDIR/unready"
  [ ! -s "$BATS_TEST_TMPDIR/unready" ] || { cat "$BATS_TEST_TMPDIR/unready"; return 1; }
  jq -r '[.items[].metadata.namespace] | unique[]' <<< "$output" > "$BATS_TEST_TMPDIR/namespaces"
  for namespace in blinkchamber database identity; do grep -qx "$namespace" "$BATS_TEST_TMPDIR/namespaces"; done
}

@test "pods have the names that people type" {
  for pod in blinkchamber/vault-0 database/postgresql-0 database/redis-master-0 database/redis-replica-0 database/redis-sentinel-0; do
    run -0 kubectl get pod -n "${pod%/*}" "${pod#*/}" -o name
  done
}

@test "three of each server by default, two of what stands in front" {
  values=$(HELM_DRIVER=${HELM_DRIVER:-configmap} helm get values -n blinkchamber blinkchamber --all -o json)
  ready blinkchamber statefulset vault "$(jq .vault.server.ha.replicas <<< "$values")"
  ready blinkchamber deployment blinkchamber-webhook "$(jq .webhook.replicas <<< "$values")"
  ready database statefulset postgresql "$(jq '."postgresql-ha".postgresql.replicaCount' <<< "$values")"
  ready database deployment pgpool "$(jq '."postgresql-ha".pgpool.replicaCount' <<< "$values")"
  ready database statefulset redis-master "$(jq .redis.master.count <<< "$values")"
  ready database statefulset redis-replica "$(jq .redis.replica.replicaCount <<< "$values")"
  ready database statefulset redis-sentinel "$(jq .redis.sentinel.replicaCount <<< "$values")"
  helm_default=$(helm show values "$root/chart" | sed -n '/^zitadel:/,/^[a-z]/s/^  replicaCount: //p')
  [ "$helm_default" = 2 ]
}

@test "services are where applications look for them, and lead to somebody" {
  for service in blinkchamber/vault:8200 database/postgresql-ha-postgresql:5432 database/redis-master:6379; do
    name=${service#*/}
    run -0 kubectl get service -n "${service%%/*}" "${name%:*}" -o jsonpath='{.spec.ports[*].port}'
    [[ " $output " == *" ${name#*:} "* ]]
    run -0 kubectl get endpointslices -n "${service%%/*}" -l "kubernetes.io/service-name=${name%:*}" -o jsonpath='{.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}'
    [ -n "$output" ] || { echo "nobody stands behind $service"; return 1; }
  done
}

# --- no Kubernetes Secret

@test "there is no Kubernetes Secret in the platform's namespaces" {
  run -0 kubectl get secrets -A -o json
  jq -r '.items[] | "\(.metadata.namespace)/\(.metadata.name) \(.type)"' <<< "$output" > "$BATS_TEST_TMPDIR/secrets"
  # A release that was installed by helm itself has its record in one: the chart and its values, which hold no secret.
  run grep -v ' helm.sh/release.v1$' "$BATS_TEST_TMPDIR/secrets"
  [ -z "$output" ] || { echo "$output"; return 1; }
}

@test "no pod refers to one" {
  run -0 kubectl get pods -A -l "$platform" -o json
  jq -e '[.items[].spec | .. | objects | select(has("secretKeyRef") or has("secretRef") or has("secret") or has("secretName"))] == []' <<< "$output"
}

@test "every pod that asks for secrets has its agent, and files on tmpfs" {
  run -0 kubectl get pods -A -l "$platform" -o json
  jq -e '[.items[] | select(.metadata.annotations["vault.hashicorp.com/agent-inject"] == "true") |
    select(.metadata.annotations["vault.hashicorp.com/agent-inject-status"] != "injected" or
      ([.spec.volumes[] | select(.name == "vault-secrets" and .emptyDir.medium == "Memory" and .emptyDir.sizeLimit)] == []))] == []' <<< "$output"
  run -0 kubectl exec -n database postgresql-0 -c postgresql -- grep ' /vault/secrets tmpfs ' /proc/mounts
}

@test "every container of ours is restricted" {
  run -0 kubectl get pods -A -l "$platform" -o json
  jq -r '.items[] | .metadata.name as $pod | .spec as $spec | ($spec.initContainers // [])[], $spec.containers[] |
    select(((.securityContext.runAsNonRoot // $spec.securityContext.runAsNonRoot) and .securityContext.readOnlyRootFilesystem and
      .securityContext.allowPrivilegeEscalation == false and .securityContext.capabilities.drop == ["ALL"]) | not) | "\($pod)/\(.name)"' <<< "$output" > "$BATS_TEST_TMPDIR/open"
  [ ! -s "$BATS_TEST_TMPDIR/open" ] || { cat "$BATS_TEST_TMPDIR/open"; return 1; }
}

# --- OpenBao

@test "kubectl exec -n blinkchamber vault-0 -- vault status" {
  run -0 kubectl exec -n blinkchamber vault-0 -- vault status
  [[ $output =~ Initialized\ +true ]]
  [[ $output =~ Sealed\ +false ]]
  [[ $output =~ HA\ Enabled\ +true ]]
}

@test "the secrets are where their users read them" {
  run -0 bao kv list -mount=secret
  for name in postgres redis zitadel/; do grep -qx "$name" <<< "$output" || { echo "no secret/$name: $output"; return 1; }; done
  for path in postgres redis zitadel/postgres zitadel/config; do
    run -0 bao kv get -mount=secret -format=json "$path"
    jq -e '.data.data | to_entries | length > 0 and all(.[]; .value | tostring | length > 0)' <<< "$output" > /dev/null
  done
}

@test "each has its policy and its role, and a policy reads no more than its own" {
  run -0 bao policy list
  for name in postgres-policy redis-policy zitadel-policy; do grep -qx "$name" <<< "$output" || { echo "no $name: $output"; return 1; }; done
  run -0 bao policy read redis-policy
  says secret/data/redis
  silent_about 'secret/data/*'
  silent_about zitadel/config
  run -0 bao list auth/kubernetes/role
  for name in postgres-role redis-role zitadel-role; do grep -qx "$name" <<< "$output" || { echo "no $name: $output"; return 1; }; done
  run -0 bao read -format=json auth/kubernetes/role/postgres-role
  jq -e '.data.bound_service_account_names == ["postgresql-ha"] and .data.bound_service_account_namespaces == ["database"] and .data.audience == "vault"' <<< "$output"
  run -0 bao read -format=json auth/kubernetes/role/redis-role
  jq -e '.data.bound_service_account_names == ["redis"]' <<< "$output"
  run -0 bao read -format=json auth/kubernetes/role/zitadel-role
  jq -e '.data.bound_service_account_names == ["zitadel"] and .data.bound_service_account_namespaces == ["identity"]' <<< "$output"
}

@test "nobody has a root token, and what happens is audited" {
  run -0 bao audit list
  [ -n "$output" ]
  run -0 kubectl logs -n blinkchamber -l app.kubernetes.io/component=vault --tail 2000
  grep -q '"type":"\(request\|response\)"' <<< "$output"
}

# --- databases and events

@test "PostgreSQL answers, and says who leads" {
  run -0 kubectl get pods -n database -l app.kubernetes.io/component=postgresql,role=primary -o name
  [ "$(wc -l <<< "$output")" -eq 1 ]
  run -0 kubectl exec -n database "$output" -c postgresql -- psql -h /run/postgresql -U postgres -Atc 'SELECT pg_is_in_recovery()'
  [ "$output" = f ]
}

@test "kubectl exec -n database redis-master-0 -- redis-cli LRANGE zitadel:events:high 0 -1" {
  for list in high normal low dead_letter; do
    run -0 kubectl exec -n database redis-master-0 -- redis-cli LRANGE "zitadel:events:$list" 0 -1
    silent_about NOAUTH
    silent_about NOPERM
    silent_about WRONGTYPE
  done
}

@test "the Sentinels agree on every group's master" {
  run -0 kubectl exec -n database redis-sentinel-0 -- redis-cli SENTINEL MASTERS
  [ "$(grep -c '^flags$' <<< "$output")" -eq 3 ]
  silent_about o_down
}

# --- every command of deploy-umbrella.sh

@test "status is a table of components that are ready" {
  run -0 umbrella status
  says COMPONENT
  for component in vault webhook postgresql pgpool redis; do says "$component"; done
  run -0 umbrella status --json
  jq -e '.ready and (.release.status == "deployed") and all(.components[]; .state == "ready" and .ready == .desired)' <<< "$output"
  jq -e '[.components[] | select(.component == "vault" or .component == "postgresql") | .leader | length] == [1, 1]' <<< "$output"
}

@test "logs of one component are its own, prefixed and in order" {
  run -0 umbrella logs webhook --tail 20
  [ "$(grep -c '^\[pod/' <<< "$output")" -gt 0 ]
  [ "$(grep -vc '^\[pod/blinkchamber-webhook' <<< "$output")" -eq 0 ]
  cut -d' ' -f2 <<< "$output" | LC_ALL=C sort -c
  run -0 umbrella logs --since 1h --tail 1
  says "[pod/vault-0/"
  says "[pod/postgresql-0/"
}

@test "logs --follow goes on until it is ended" {
  umbrella logs webhook --follow --tail 1 > "$BATS_TEST_TMPDIR/followed" 3>&- &
  follower=$!
  for _ in $(seq 100); do [ ! -s "$BATS_TEST_TMPDIR/followed" ] || break; sleep 0.1; done
  kill -0 "$follower"
  kill "$follower"
  wait "$follower" || true
  grep -q '^\[pod/blinkchamber-webhook' "$BATS_TEST_TMPDIR/followed"
}

@test "preflight finds nothing against an upgrade" {
  HELM_DRIVER=${HELM_DRIVER:-configmap} helm get values -n blinkchamber blinkchamber -o yaml > "$BATS_TEST_TMPDIR/values.yaml"
  run -0 umbrella preflight -f "$BATS_TEST_TMPDIR/values.yaml"
  says "Kubernetes"
}

@test "diff: OpenBao is what the chart describes" {
  run -0 umbrella diff
}

@test "rotate lists the credentials, and gives one a new value that its users take" {
  run -0 umbrella rotate
  [ "${#lines[@]}" -ge 3 ]
  says redis
  run -2 umbrella rotate no-such-credential
  before=$(bao kv metadata get -mount=secret -format=json redis/app | jq .data.current_version)
  run -0 umbrella rotate redis-app
  after=$(bao kv metadata get -mount=secret -format=json redis/app | jq .data.current_version)
  [ "$after" -gt "$before" ]
  run -0 umbrella status
}

@test "backup writes a snapshot that is complete" {
  run -0 umbrella backup "$BATS_TEST_TMPDIR/test.snap"
  gzip -t "$BATS_TEST_TMPDIR/test.snap"
  tar -tzf "$BATS_TEST_TMPDIR/test.snap" | grep -q state.bin
}

@test "restore brings back what was there, and a secret written since is gone" {
  run -0 umbrella backup "$BATS_TEST_TMPDIR/before.snap"
  run -0 bao kv put -mount=secret written-since-the-backup key=value
  run -0 umbrella restore "$BATS_TEST_TMPDIR/before.snap" --yes
  for _ in $(seq 60); do if bao kv list -mount=secret > /dev/null 2>&1; then break; fi; sleep 1; done
  run -0 bao kv list -mount=secret
  silent_about written-since-the-backup
  says postgres
}

@test "upgrade with nothing new changes nothing, and all stays ready" {
  before=$(bao kv metadata get -mount=secret -format=json postgres | jq .data.current_version)
  run -0 umbrella upgrade
  says "all components are ready"
  [ "$(bao kv metadata get -mount=secret -format=json postgres | jq .data.current_version)" = "$before" ]
}

@test "install says that it is installed, uninstall asks" {
  run -2 umbrella install
  says "installed already"
  run -2 bash -c '"$1" uninstall < /dev/null' - "$root/deploy-umbrella.sh"
  says "add --yes"
  run -0 umbrella status
}

@test "help names every command of the contract" {
  run -0 umbrella help
  for command in install upgrade uninstall status logs rotate backup restore help; do says "  $command"; done
}
