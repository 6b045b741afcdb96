# Logs of many pods as one. Sourced by deploy-umbrella.sh.
# shellcheck shell=bash

run_logs() {
  local filter=$selector name space spaces follower known
  reach
  known=$(kube get pods --all-namespaces -l "$selector" -o jsonpath='{range .items[*]}{.metadata.labels.app\.kubernetes\.io/component}{"\n"}{end}' | sort -u | grep . || true)
  for name in "$@"; do
    grep -qxF -- "$name" <<< "$known" || fail $exit_usage "no pod belongs to a component $name" "these run: ${known//$'\n'/, }"
  done
  if [ $# -gt 0 ]; then filter+=",app.kubernetes.io/component in ($(IFS=,; echo "$*"))"; fi
  spaces=$(kube get pods --all-namespaces -l "$filter" -o jsonpath='{range .items[*]}{.metadata.namespace}{"\n"}{end}' | sort -u | grep . || true)
  [ -n "$spaces" ] || fail $exit_findings "there are no pods of the platform" "deploy-umbrella.sh status"
  # A line is "[pod/NAME/CONTAINER] TIME TEXT".
  local options=(-l "$filter" --prefix --all-containers --ignore-errors --timestamps --max-log-requests 200)
  if [ -n "$since" ]; then options+=(--since "$since" --tail "${tail:--1}"); else options+=(--tail "${tail:-100}"); fi
  if [ -z "$follow" ]; then
    for space in $spaces; do kube logs --namespace "$space" "${options[@]}" 2> /dev/null || true; done | sort -s -k 2,2
    return 0
  fi
  local followers=()
  for space in $spaces; do
    kube logs --namespace "$space" "${options[@]}" --follow &
    followers+=($!)
  done
  # shellcheck disable=SC2064 # the list as it is now
  trap "kill ${followers[*]} 2> /dev/null || true" EXIT INT TERM
  for follower in "${followers[@]}"; do wait "$follower" || true; done
}
