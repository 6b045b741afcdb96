#!/usr/bin/env bash
# The chart, without a cluster: what it renders, and what it refuses.
#   chart.sh     needs helm, kubeconform and jq (`tests/setup.sh check`)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/node/lib.sh"
. "$here/node/machine.sh"
chart=$here/../chart
scratch
python3 -c 'import yaml' 2> /dev/null || install_packages python3-yaml
PATH=$bin:$PATH
passed=0 failed=0

render() { helm template blinkchamber "$chart" --namespace blinkchamber --kube-version 1.35.4 "$@"; }

# check NAME COMMAND...: one test; its output is shown when it fails.
check() {
  local name=$1
  shift
  if "$@" > "$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED  %s\n' "$name"
    sed 's/^/        /' "$work/log" | head -n 20
  fi
}

# refuses TEXT ARGUMENT...: the render fails, and says TEXT.
refuses() {
  local text=$1 output
  shift
  if output=$(render "$@" 2>&1); then
    echo "it was accepted: $*"
    return 1
  fi
  grep -qF -- "$text" <<< "$output" || { printf 'not in its message: %s\n%s\n' "$text" "$output"; return 1; }
}

# query FILE EXPRESSION: a jq expression over all objects that must be true.
query() { jq -e --slurp "$2" "$1" || { echo "not true: $2"; return 1; }; }

to_json() { python3 -c 'import json, sys, yaml; [print(json.dumps(one)) for one in yaml.safe_load_all(sys.stdin) if one]'; }

for values in values values-demo values-dev values-prod; do
  check "$values: lint" helm lint --quiet --strict "$chart" -f "$chart/$values.yaml"
  render -f "$chart/$values.yaml" > "$work/$values.yaml"
  to_json < "$work/$values.yaml" > "$work/$values.json"
  all=$work/$values.json
  check "$values: valid for Kubernetes" kubeconform -strict -schema-location "$cache/schemas/{{.ResourceKind}}{{.KindSuffix}}.json" "$work/$values.yaml"
  check "$values: no Kubernetes Secret" query "$all" 'all(.kind != "Secret")'
  check "$values: no use of a Kubernetes Secret" query "$all" '[.. | objects | keys[] | select(. == "secretKeyRef" or . == "secretRef" or . == "secret" or . == "secretName" or . == "imagePullSecrets")] == []'
  check "$values: every object carries the platform's label" query "$all" 'all(.metadata.labels["app.kubernetes.io/part-of"] == "blinkchamber-platform")'
  check "$values: every pod carries it too" query "$all" '[.[] | .spec.template? // empty | select(.metadata.labels["app.kubernetes.io/part-of"] != "blinkchamber-platform")] == []'
  check "$values: every namespaced object says where it lives" query "$all" 'all(.metadata.namespace or (.kind | test("^Cluster|^Namespace$|^Mutating")))'
  check "$values: no authority is rendered" query "$all" '[.. | objects | select(has("caBundle"))] == []'
  check "$values: the webhook fails closed and is asked only by pods that ask" query "$all" \
    '[.[] | select(.kind == "MutatingWebhookConfiguration") | .webhooks[]] | length == 1 and all(.failurePolicy == "Fail" and (.matchConditions | length) == 1 and .timeoutSeconds == 10 and .reinvocationPolicy == "IfNeeded" and .sideEffects == "None")'
  check "$values: pods are restricted" query "$all" \
    '[.[] | .spec.template?.spec // empty | . as $pod | ((.initContainers // []) + .containers)[] | select($pod.securityContext.runAsNonRoot and $pod.securityContext.seccompProfile.type == "RuntimeDefault" and .securityContext.allowPrivilegeEscalation == false and .securityContext.readOnlyRootFilesystem and .securityContext.capabilities.drop == ["ALL"] | not)] == []'
  check "$values: containers say what they need" query "$all" \
    '[.[] | .spec.template?.spec // empty | ((.initContainers // []) + .containers)[] | select(.resources.requests.cpu and .resources.requests.memory and .resources.limits.memory | not)] == []'
  check "$values: no environment variable but settings and references to the pod itself" query "$all" \
    '[.[] | .spec.template?.spec // empty | ((.initContainers // []) + .containers)[].env[]? | select(.valueFrom and (.valueFrom | keys) != ["fieldRef"])] == []'
  check "$values: equal input, equal output" bash -c "helm template blinkchamber '$chart' --namespace blinkchamber --kube-version 1.35.4 -f '$chart/$values.yaml' | cmp - '$work/$values.yaml'"
done

dev=$work/values-demo.json
check "every annotated pod waits at its gate" query "$dev" \
  '[.[] | .spec.template? // empty | select(.metadata.annotations["vault.hashicorp.com/agent-inject"] == "true")] | length == 4 and all(.spec.schedulingGates == [{"name": "blinkchamber.io/injection"}])'
check "the compiler reads the very workloads that are installed" query "$dev" \
  '([.[] | select(.metadata.name == "blinkchamber-workloads") | .data | length]) == [4]'
to_json < <(jq -r 'select(.metadata.name == "blinkchamber-workloads") | .data[] | . + "\n---"' "$dev") | jq -cS . | sort > "$work/compiled"
jq -cS 'select(.metadata.namespace == "database" and (.kind == "Deployment" or .kind == "StatefulSet"))' "$dev" | sort > "$work/installed"
check "and byte for byte" cmp "$work/compiled" "$work/installed"
check "without databases there is no namespace for them" query <(render --set postgresql-ha.enabled=false,redis.enabled=false,zitadel.enabled=false | to_json) 'all(.kind != "Namespace") and all(.metadata.namespace != "database")'
check "three members by default, one in development" query "$work/values.json" '[.[] | select(.kind == "StatefulSet" and .metadata.name == "vault") | .spec.replicas] == [3]'
check "no key of a seal is made where members share one" query "$work/values.json" '[.. | objects | select(.name? == "BLINKCHAMBER_SEAL_KEY_FILE")] == []'
check "server.hcl names every member" query "$work/values.json" '[.[] | select(.kind == "ConfigMap" and .metadata.name == "vault") | .data["server.hcl"] | [scan("leader_api_addr")] | length] == [3]'
check "the webhook may touch one configuration only" query "$dev" \
  '[.[] | select(.kind == "ClusterRole") | .rules[] | select(.resources == ["mutatingwebhookconfigurations"])] | length == 1 and all(.resourceNames == ["blinkchamber-webhook"] and (.verbs | index("*") == null and index("update") == null))'
check "nobody may read Kubernetes Secrets" query "$dev" '[.[] | select(.kind | test("Role$")) | .rules[] | select((.resources | index("secrets")) or (.resources | index("*")) or (.verbs | index("*")))] == []'

# What converges reads its input once: another input is another pod, the same input the same one.
input() { render -f "$chart/values-demo.yaml" "$@" | to_json | jq -r 'select(.kind == "Deployment" and .metadata.name == "blinkchamber-bootstrap").spec.template.metadata.annotations["checksum/desired"]'; }
check "a changed input restarts what converges" test "$(input)" != "$(input --set bootstrap.tokenTtl=2h)"
check "an unchanged one does not" test "$(input)" = "$(input --set webhook.replicas=3)"
check "two converge, and one of them works" query "$work/values.json" 'any(.kind == "Deployment" and .metadata.name == "blinkchamber-bootstrap" and .spec.replicas == 2) and any(.kind == "Lease" and .metadata.name == "blinkchamber-bootstrap")'
check "snapshots are made by default, by an account of their own" query "$work/values.json" \
  'any(.kind == "StatefulSet" and .metadata.name == "vault-snapshots" and .spec.template.spec.serviceAccountName == "vault-snapshots") and any(.kind == "ConfigMap" and .metadata.name == "blinkchamber-bootstrap" and (.data["desired.yaml"] | contains("\"role\":\"blinkchamber-snapshots\",\"serviceAccount\":\"vault-snapshots\"")))'

render -f "$here/chart/variants/everything.yaml" | to_json > "$work/platform.json"
render -f "$here/chart/variants/everything.yaml" -f "$here/chart/variants/metrics.yaml" --set metrics.podMonitors=true,metrics.serviceMonitors=true,metrics.alerts=true | to_json > "$work/scraped.json"
agents='[.[] | .spec.template? // empty | select(.metadata.annotations["vault.hashicorp.com/agent-inject"] == "true")]'
check "every agent of the platform shows its numbers when somebody scrapes" query "$work/scraped.json" \
  "$agents"' | length == 10 and all(.metadata.annotations["blinkchamber.io/agent-metrics-address"] == "0.0.0.0:9102" and .metadata.labels["blinkchamber.io/agent-metrics"] == "true" and .metadata.annotations["prometheus.io/port"] == "9102")'
check "and none otherwise" query "$work/platform.json" "$agents"' | length == 10 and all(.metadata.annotations["blinkchamber.io/agent-metrics-address"] == null and .metadata.labels["blinkchamber.io/agent-metrics"] == null)'
check "so do those of the demo" query <(render -f "$chart/values-demo.yaml" --set metrics.podMonitors=true | to_json) "$agents"' | length == 4 and all(.metadata.labels["blinkchamber.io/agent-metrics"] == "true")'
check "who gets no agent has nothing of that" query "$work/scraped.json" \
  '[.[] | .spec.template? // empty | select(.metadata.annotations["vault.hashicorp.com/agent-inject"] != "true" and .metadata.labels["blinkchamber.io/agent-metrics"])] == []'
check "every component that is scraped has a service and a monitor for it" query "$work/scraped.json" \
  '[.[] | select(.kind == "ServiceMonitor").metadata.name] as $monitors | ($monitors | sort) == ["bootstrap", "pgpool", "postgresql", "redis-haproxy", "vault", "webhook", "zitadel", "zitadel-events"] and ([.[] | select(.kind == "Service" and (.metadata.name | endswith("-metrics"))).metadata.name | rtrimstr("-metrics")] | sort) == ($monitors | sort)'
check "HAProxy shows its numbers when somebody scrapes, and nothing else" query "$work/scraped.json" \
  '[.[] | select(.kind == "ConfigMap" and .metadata.name == "redis-haproxy").data["haproxy.cfg"] | contains("bind :8405\n  timeout client 5s\n  http-request deny unless { path /metrics }\n  http-request use-service prometheus-exporter\n")] == [true]'
check "and has no such port otherwise" query "$work/platform.json" '[.. | strings | select(contains("prometheus-exporter") or contains("8405"))] == []'
check "a setup whose agent is scraped is another Job" test "$(jq -r 'select(.kind == "Job").metadata.name' "$work/platform.json")" != "$(jq -r 'select(.kind == "Job").metadata.name' "$work/scraped.json")"

# Processes with the titles that PgPool gives its own, and what its pod counts of them.
pgpool_numbers() {
  local title status=0 processes=()
  for title in 'pgpool: wait for connection request' 'pgpool: shop shop 10.0.0.1(40000) idle' 'pgpool: shop shop 10.0.0.1(40001) SELECT' \
    'pgpool: PCP: wait for connection request' 'pgpool: worker process' 'pgpool: health check process(0)' pgpool; do
    (exec -a "$title" sleep 60) &
    processes+=($!)
  done
  mkdir -p "$work/bin"
  printf '#!/bin/sh\necho %s 999999999\n' "${processes[*]}" > "$work/bin/pidof"
  chmod 755 "$work/bin/pidof"
  jq -r 'select(.kind == "ConfigMap" and .metadata.name == "pgpool").data["pgpool.conf"]' "$work/platform.json" > "$work/pgpool.conf"
  # A child has its title once it runs another program.
  until [ "$(printf '/proc/%s/cmdline\n' "${processes[@]}" | xargs cat | tr '\0' '\n' | grep -c '^60$')" = ${#processes[@]} ]; do sleep 0.1; done
  sed "s#/config/#$work/#" "$chart/files/pgpool/metrics.cgi" | PATH=$work/bin:$PATH sh > "$work/numbers" || status=1
  kill "${processes[@]}"
  [ "$(grep -v '^#' "$work/numbers" | tail -n 3 | tr '\n' ' ')" = "blinkchamber_pgpool_clients 2 blinkchamber_pgpool_max_clients 64 blinkchamber_pgpool_draining 0 " ] || status=1
  cat "$work/numbers"
  return $status
}
check "PgPool's pod counts whom it serves" pgpool_numbers

printf 'bootstrap: {operators: [{role: operator, serviceAccount: someone, policy: "path \\"x\\" { }"}]}\n' > "$work/operator.yaml"
check "an operator gets a service account" query <(render -f "$work/operator.yaml" | to_json) 'any(.kind == "ServiceAccount" and .metadata.name == "someone")'

check "a misspelt key is refused by name" refuses "additional properties 'replica' not allowed" --set vault.server.replica=3
check "so is a misspelt section" refuses "additional properties 'webhok' not allowed" --set webhok.replicas=2
check "and one deep inside" refuses "additional properties 'cpus' not allowed" --set webhook.resources.requests.cpus=1
check "a value of the wrong type names its place" refuses "/vault/server/ha/replicas" --set-string vault.server.ha.replicas=three
check "a quantity" refuses "/agent/memoryLimit" --set agent.memoryLimit=64MB
check "a duration" refuses "/webhook/leafLifetime" --set webhook.leafLifetime=1d
check "an unknown seal" refuses "/vault/server/seal/type" --set vault.server.seal.type=awskms
check "a Kubernetes Secret as the seal's key" refuses "additional properties 'secret' not allowed" --set vault.server.seal.static.keyVolume.secret.secretName=x
check "a password in a connection's URL" refuses "/bootstrap/databases/0/connections/0/url" \
  --set 'bootstrap.databases[0].mount=db,bootstrap.databases[0].connections[0].name=x,bootstrap.databases[0].connections[0].plugin=p,bootstrap.databases[0].connections[0].username=u,bootstrap.databases[0].connections[0].firstPassword.path=secret/data/x,bootstrap.databases[0].connections[0].firstPassword.key=k,bootstrap.databases[0].connections[0].url=postgresql://u:p@h'
check "a key of one's own for each of three members" refuses "vault.server.seal.static.keyFile: volume is for one replica" --set vault.server.seal.static.keyFile=volume
check "an even number of members" refuses "vault.server.ha.replicas: must be odd" --set vault.server.ha.replicas=2
check "a static seal without a volume for its key" refuses "vault.server.seal.static.keyVolume: must name" --set vault.server.seal.static.keyVolume.hostPath=null
check "a raw seal without its stanza" refuses "vault.server.seal.raw: must hold the seal stanza" --set vault.server.seal.type=raw,vault.server.tls.enabled=false
check "https from a volume without an authority" refuses "vault.server.tls.ca: must hold" --set vault.server.tls.volume.hostPath.path=/x
check "https without a certificate" refuses "vault.server.tls.volume: must name" --set vault.server.seal.type=shamir
seal() { render --set-json 'vault.server.seal={"type":"raw","raw":"seal \"transit\" {}"}' --set vault.server.tls.enabled=false "$@"; }
token='vault.server.seal.credentials.projected.sources[0].serviceAccountToken'
check "credentials of a seal: mounted read-only, into the server alone" query <(seal --set "$token.audience=sts.example.com,$token.path=token" | to_json) \
  '[.[] | .spec.template?.spec // empty | select(any(.volumes[]?; .name == "seal-credentials"))] | length == 1 and (.[0].volumes[] | select(.name == "seal-credentials") | .projected.sources == [{"serviceAccountToken": {"audience": "sts.example.com", "path": "token"}}]) and ([.[0] | (.containers + .initContainers)[] | select(any(.volumeMounts[]; .name == "seal-credentials")) | [.name, (.volumeMounts[] | select(.name == "seal-credentials") | .mountPath, .readOnly)]] == [["vault", "/run/seal", true]])'
check "from a driver, as values-prod has it" query "$work/values-prod.json" '[.. | objects | select(.name? == "seal-credentials" and .csi?) | .csi.driver] == ["secrets-store.csi.k8s.io"]'
check "without them nothing is mounted there" query "$work/values.json" '[.. | objects | select(.name? == "seal-credentials")] == []'
check "credentials from a Kubernetes Secret" refuses "additional properties 'secret' not allowed" --set vault.server.seal.credentials.secret.secretName=x
check "nor by way of a projection" refuses "additional properties 'secret' not allowed" --set 'vault.server.seal.credentials.projected.sources[0].secret.name=x'
check "nor by way of a driver" refuses "additional properties 'nodePublishSecretRef' not allowed" --set vault.server.seal.credentials.csi.driver=x,vault.server.seal.credentials.csi.nodePublishSecretRef.name=x
check "credentials of a seal that has none" refuses "vault.server.seal.credentials: only a seal of type raw" --set vault.server.seal.credentials.hostPath.path=/x
own() { query "$work/values.json" "$@"; }
check "own certificates: the authority is published, not rendered" own '[.[] | select(.kind == "ConfigMap" and .metadata.name == "vault-ca") | .data] == [null]'
check "own certificates: made of the seal's key, which nobody but the members sees" own \
  '[.[] | select([.. | objects | select(.mountPath? == "/seal")] != []) | .kind + "/" + .metadata.name] == ["StatefulSet/vault"]'
check "own certificates: everybody asks for https and looks up the authority" own \
  '([.. | objects | select(.name? == "BLINKCHAMBER_VAULT_ADDRESS").value] | length > 1 and all(startswith("https://"))) and ([.. | objects | select(.name? == "BLINKCHAMBER_VAULT_CA_CONFIG_MAP").value] | length > 1 and all(. == "blinkchamber/vault-ca"))'
check "own certificates: probes and members too" own \
  '[.[] | select(.kind == "StatefulSet" and .metadata.name == "vault").spec.template.spec.containers[0] | .readinessProbe, .livenessProbe | .httpGet.scheme] == ["HTTPS", "HTTPS"] and ([.[] | select(.kind == "ConfigMap" and .metadata.name == "vault") | .data["server.hcl"] | (scan("leader_api_addr = \"https://") , scan("leader_ca_cert_file = \"/run/bao/ca.crt"))] | length) == 6'
check "a server elsewhere without its address" refuses "vault.external.address: must be the URL" --set vault.enabled=false
check "https elsewhere without an authority" refuses "vault.external.ca: must hold" --set vault.enabled=false,vault.external.address=https://v:8200
check "Vault with OpenBao's seal" refuses "static is OpenBao's" --set vault.server.product=vault

external() { render --set vault.enabled=false,vault.external.address=http://vault.example.com:8200 "$@" | to_json; }
check "a server elsewhere: none is installed" query <(external) 'all(.kind != "StatefulSet" or .metadata.name != "vault")'
check "a server elsewhere: everybody is told where" query <(external) '[.. | objects | select(.name? == "BLINKCHAMBER_VAULT_ADDRESS").value] | length > 1 and all(. == "http://vault.example.com:8200")'
check "a server elsewhere: what converges may go there" query <(external) 'any(.kind == "NetworkPolicy" and .metadata.name == "blinkchamber-bootstrap" and any(.spec.egress[].ports[]; .port == 8200))'
hashicorp() { render --set vault.server.product=vault,vault.server.seal.type=shamir,vault.server.tls.enabled=false "$@" | to_json; }
check "Vault by value: its image, its command, its variables" query <(hashicorp)   '[.[] | select(.kind == "StatefulSet" and .metadata.name == "vault").spec.template.spec.containers[0]] | .[0].image == "docker.io/hashicorp/vault:2.0.4" and .[0].command[0] == "vault" and ([.[0].env[].name] | index("VAULT_K8S_POD_NAME") and (index("BAO_K8S_POD_NAME") | not))'
check "Vault by value: nothing in its configuration that is OpenBao's alone" query <(hashicorp)   '[.[] | select(.kind == "ConfigMap" and .metadata.name == "vault").data] | .[0]["initialize.hcl"] == null and (.[0]["server.hcl"] | contains("disable_mlock = true") and (contains("audit \"file\"") | not))'
check "Vault by value: the first requests are there for people" query <(hashicorp) 'any(.metadata.name == "vault-first-requests" and (.data["requests.hcl"] | contains("auth/kubernetes/role/bootstrap")))'
check "an old Kubernetes" refuses "incompatible with Kubernetes" --kube-version 1.29.0
check "no schema is fetched from elsewhere" jq -e '[.. | objects | .["$ref"]? // empty | select(startswith("#/") | not)] == []' "$chart/values.schema.json"
check "every object of the schema is closed" jq -e '[.. | objects | select(.type == "object" and has("properties") and .additionalProperties != false)] == []' "$chart/values.schema.json"

printf 'chart: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
