# Take the platform away, with or without what it has stored. Sourced by deploy-umbrella.sh.
# shellcheck shell=bash

run_uninstall() {
  local state volumes
  choose_driver
  reach
  scratch
  state=$(release_state)
  volumes=$(list_volumes)
  [ -n "$state$volumes" ] || [ -n "$(leftovers)" ] || { say "nothing of $release is here"; return 0; }
  if [ -z "$keep_data" ]; then
    confirm "All data goes, and with OpenBao's every secret in it:
${volumes:-  (no volumes)}
To keep it: --keep-data. A copy before: deploy-umbrella.sh backup" "$release"
  fi
  if [ -n "$keep_data" ]; then retain_volumes; fi
  if [ -n "$state" ]; then
    say "removing $release ($state)"
    run_helm uninstall "$release" --namespace "$namespace" --wait --timeout "${timeout}s" > "$work/helm.log" 2>&1 ||
      fail $exit_findings "helm: $(tail -n 1 "$work/helm.log")" "deploy-umbrella.sh status; then uninstall again"
  fi
  if run_helm status blinkchamber-infra --namespace infra > /dev/null 2>&1; then
    say "removing cert-manager and the ingress controller"
    run_helm uninstall blinkchamber-infra --namespace infra --wait --timeout "${timeout}s" > "$work/helm.log" 2>&1 || warn "helm: $(tail -n 1 "$work/helm.log")"
  fi
  sweep
  if [ -n "$keep_data" ]; then
    say "removed; volumes stay, and a new install takes them over:"
    list_volumes
    return 0
  fi
  kube delete persistentvolumeclaims --all-namespaces -l "$selector" --timeout "${timeout}s" > /dev/null
  remove_namespaces
  say "removed, nothing is left"
}

list_volumes() {
  kube get persistentvolumeclaims --all-namespaces -l "$selector" -o jsonpath='{range .items[*]}{"  "}{.metadata.namespace}/{.metadata.name}{"  "}{.spec.resources.requests.storage}{"\n"}{end}'
}

# A StatefulSet may take its volumes with it (storage.whenDeleted); this one must not.
retain_volumes() {
  local space name
  while read -r space name; do
    [ -n "$name" ] || continue
    kube patch statefulset --namespace "$space" "$name" --type merge -p '{"spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain"}}}' > /dev/null
  done < <(kube get statefulsets --all-namespaces -l "$selector" -o jsonpath='{range .items[*]}{.metadata.namespace} {.metadata.name}{"\n"}{end}')
  # The owner references that the policy made go with the next look of its controller.
  local wait
  for wait in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    [ -n "$(kube get persistentvolumeclaims --all-namespaces -l "$selector" -o jsonpath='{.items[*].metadata.ownerReferences[*].kind}')" ] || return 0
    sleep 1
  done
  fail "$exit_findings" "volumes would still go with their StatefulSet after $wait s" "kubectl get pvc -A -l $selector -o yaml; nothing was removed"
}

# What servers and operators made themselves, and Helm therefore does not know: state of Patroni, leases, hand-made pods.
leftovers() {
  kube get namespaces,pods,services,endpoints,configmaps,jobs,leases --all-namespaces -l "$selector" -o name 2> /dev/null
}

sweep() {
  local kind
  for kind in jobs pods configmaps endpoints services leases; do
    kube delete "$kind" --all-namespaces -l "$selector" --ignore-not-found --timeout "${timeout}s" > /dev/null 2>&1 || true
  done
}

# Namespaces that carry our label go when nothing of others is in them.
remove_namespaces() {
  local name others
  for name in $(kube get namespaces -l "$selector" -o jsonpath='{.items[*].metadata.name}'); do
    others=$(kube get pods,persistentvolumeclaims,services,deployments,statefulsets --namespace "$name" -o name | wc -l)
    if [ "$others" -gt 0 ]; then
      warn "namespace $name stays: there are things of others in it" "kubectl get all,pvc -n $name"
    else
      kube delete namespace "$name" --timeout "${timeout}s" > /dev/null
    fi
  done
}
