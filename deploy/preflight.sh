# Whether the platform can be installed here, before anything is changed. Sourced by deploy-umbrella.sh.
# shellcheck shell=bash

oldest_helm=3.14 oldest_kubernetes=1.30

# plan: renders the chart with what the user said; $work/plan.json holds {values, objects, yaml}. No cluster is asked for it.
plan() {
  need helm jq kubectl
  scratch
  run_helm install "$release" "$chart" --namespace "$namespace" --dry-run=client -o json \
    "${helm_values[@]}" > "$work/release.json" 2> "$work/error" ||
    fail $exit_usage "the chart does not accept these values" "$(sed 's/^Error: INSTALLATION FAILED: //' "$work/error" | tail -n 20)"
  jq -r .manifest "$work/release.json" > "$work/manifest.yaml"
  # kubectl as a reader of YAML: with --local it asks nobody, and takes kinds that the cluster does not know yet.
  kubectl annotate --local -f "$work/manifest.yaml" blinkchamber.io/plan=yes -o json > "$work/objects.json" 2> "$work/error" ||
    fail $exit_usage "the chart renders something that is no object" "$(tail -n 3 "$work/error")"
  jq --slurpfile objects "$work/objects.json" '{values: (.chart.values * (.config // {})), objects: [$objects[] | .items[]? // .]}' "$work/release.json" > "$work/plan.json"
}

# finding LEVEL WHAT [HELP]: LEVEL is ok, warning (it is installed all the same and waits) or error (it cannot be).
finding() {
  jq -nc --arg level "$1" --arg what "$2" --arg help "${3:-}" '{level: $level, what: $what, help: $help}' >> "$work/findings"
}

check_versions() {
  local version
  version=$(run_helm version --template '{{.Version}}')
  if at_least "$version" $oldest_helm; then finding ok "helm $version"; else finding error "helm $version is too old" "install helm $oldest_helm or newer"; fi
  version=$(kube version --client -o json | jq -r .clientVersion.gitVersion)
  finding ok "kubectl $version"
  if at_least "$server" $oldest_kubernetes; then
    finding ok "Kubernetes $server"
  else
    finding error "Kubernetes $server is too old" "agents are init containers that stay: Kubernetes $oldest_kubernetes or newer is needed"
  fi
}

# Everything the release makes, in each place where it makes it.
check_permissions() {
  local missing=() verb kind where
  if [ "$(kube auth can-i '*' '*' --all-namespaces 2> /dev/null)" = yes ]; then
    finding ok "permissions: everything"
    return
  fi
  while read -r kind where; do
    for verb in create patch delete; do
      kube auth can-i "$verb" "$kind" ${where:+--namespace "$where"} > /dev/null 2>&1 || { missing+=("$kind${where:+ in $where}"); break; }
    done
  done < <(jq -r '.objects[] | "\(.kind | ascii_downcase)\(.apiVersion | if contains("/") then "." + split("/")[0] else "" end) \(.metadata.namespace // "")"' "$work/plan.json" | sort -u)
  if [ ${#missing[@]} -eq 0 ]; then
    finding ok "permissions: all that this release needs"
  else
    finding error "you may not make: $(printf '%s, ' "${missing[@]}" | sed 's/, $//')" "ask for a role with create, patch and delete on them, or use another --context"
  fi
}

# Kinds that come with somebody's operator; those of cert-manager may come with this install.
check_kinds() {
  local group kinds
  while read -r group kinds; do
    [ -z "$(kube api-resources --api-group "$group" -o name 2> /dev/null)" ] || continue
    if [ "$group" = cert-manager.io ] && jq -e '.values."cert-manager".enabled == true' "$work/plan.json" > /dev/null; then continue; fi
    finding error "the cluster does not know $kinds ($group)" "install what brings them, or switch them off in the values"
  done < <(jq -r '[.objects[] | {group: (.apiVersion | split("/") | if length > 1 then .[0] else "" end), kind} |
    select((.group | contains(".")) and (.group | test("(^|\\.)k8s\\.io$") | not))] | group_by(.group)[] | "\(.[0].group) \(map(.kind) | unique | join(", "))"' "$work/plan.json")
}

# What the cluster has, beside what the plan needs. What cannot be read is not judged.
check_room() {
  local kind
  for kind in nodes storageclasses resourcequotas pods namespaces; do
    kube get "$kind" --all-namespaces -o json > "$work/$kind.json" 2> /dev/null || { echo '{"items": null}' > "$work/$kind.json"; finding warning "$kind cannot be read, so they are not checked"; }
  done
  jq -c -n -L "$here/deploy" --arg installed "$installed" --slurpfile plan "$work/plan.json" --slurpfile nodes "$work/nodes.json" \
    --slurpfile classes "$work/storageclasses.json" --slurpfile quotas "$work/resourcequotas.json" --slurpfile running "$work/pods.json" \
    --slurpfile namespaces "$work/namespaces.json" -f "$here/deploy/room.jq" >> "$work/findings"
}

# preflight: fills $work/findings; fails when one of them is an error.
preflight() {
  local installed
  reach
  plan
  : > "$work/findings"
  installed=$(release_state)
  check_versions
  check_kinds
  check_permissions
  check_room
  jq -e --slurp 'all(.level != "error")' "$work/findings" > /dev/null
}

print_findings() { # LEVEL...
  jq -r --arg levels "$*" 'select(.level as $level | $levels | split(" ") | index($level)) |
    "  \(.level | if . == "ok" then "ok      " elif . == "warning" then "warning " else "error   " end) \(.what)", (.help | select(. != "") | "             help: " + .)' "$work/findings"
}

run_preflight() {
  local status=0
  choose_driver
  preflight || status=$exit_findings
  if [ -n "$json" ]; then jq -s . "$work/findings"; else print_findings ok warning error; fi
  return $status
}
