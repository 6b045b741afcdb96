# How the commands reach the cluster, and what they may ask of it. Sourced by deploy-umbrella.sh.
# shellcheck shell=bash

selector=app.kubernetes.io/part-of=blinkchamber-platform

kube() { kubectl ${context:+--context "$context"} "$@"; }
run_helm() { helm ${context:+--kube-context "$context"} "$@"; }

# need TOOL...: programs without which nothing works.
need() {
  local tool
  for tool in "$@"; do
    has "$tool" && continue
    case $tool in
      jq) fail $exit_usage "jq is not installed" "apt-get install jq, or: brew install jq" ;;
      helm) fail $exit_usage "helm is not installed" "Helm 3.14 or newer: https://helm.sh/docs/intro/install" ;;
      kubectl) fail $exit_usage "kubectl is not installed" "https://kubernetes.io/docs/tasks/tools" ;;
    esac
  done
}

# reach: the cluster answers; sets $server, its version without the v.
reach() {
  need kubectl jq
  local answer
  scratch
  answer=$(kube version -o json --request-timeout 15s 2> "$work/error") ||
    fail $exit_server "the cluster does not answer: $(tail -n 1 "$work/error")" "kubectl ${context:+--context $context }cluster-info; which cluster: kubectl config current-context"
  server=$(jq -r '.serverVersion.gitVersion // "" | ltrimstr("v")' <<< "$answer" 2> /dev/null) || server=""
  [ -n "$server" ] || fail $exit_server "the cluster does not say its version" "kubectl version"
}

# choose_driver: Helm keeps its records where this release's already are; a new release's in ConfigMaps.
choose_driver() {
  need helm
  [ -z "${HELM_DRIVER:-}" ] || return 0
  local kind
  export HELM_DRIVER=configmap
  for kind in configmap secret; do
    if [ -n "$(kube get "$kind" --namespace "$namespace" -l "owner=helm,name=$release" -o name 2> /dev/null)" ]; then
      HELM_DRIVER=$kind
      return 0
    fi
  done
}

# release_state: "STATUS REVISION CHART" of the newest revision, or nothing when there is no release.
release_state() {
  local history
  history=$(run_helm history "$release" --namespace "$namespace" --max 1 -o json 2> "$work/error") || {
    grep -q "not found" "$work/error" || warn "helm: $(tail -n 1 "$work/error")"
    return 0
  }
  jq -r '.[-1] | "\(.status) \(.revision) \(.chart)"' <<< "$history"
}

# bootstrap ARGUMENT...: the cluster's own program, which alone may talk to OpenBao.
bootstrap() {
  kube exec --namespace "$namespace" "${stdin[@]}" deployment/blinkchamber-bootstrap -- /blinkchamber-bootstrap "$@"
}
stdin=()

# confirm QUESTION WORD: whoever does not type WORD ends the program.
confirm() {
  local answer=""
  [ -z "$yes" ] || return 0
  [ -t 0 ] || fail $exit_usage "$command asks first, and nobody is there to answer" "add --yes when you are sure"
  printf '%s\nType %s to go on: ' "$1" "$2" >&2
  IFS= read -r answer || true
  [ "$answer" = "$2" ] || fail $exit_findings "nothing was done"
}
