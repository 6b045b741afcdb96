# Install, upgrade, roll back, and what is seen meanwhile. Sourced by deploy-umbrella.sh.
# shellcheck shell=bash

run_install() {
  local state
  choose_driver
  check_first
  state=$(release_state)
  case ${state%% *} in
    deployed | superseded) fail $exit_usage "$release is installed already (${state#* })" "deploy-umbrella.sh upgrade" ;;
    pending-*) fail $exit_findings "Helm was interrupted at ${state%% *}" "deploy-umbrella.sh uninstall --keep-data, then install" ;;
  esac
  make_namespace
  install_infra cert-manager
  say "installing $release in namespace $namespace"
  apply upgrade --install "$release" "$chart" "${helm_values[@]}"
  await
  install_infra
}

run_upgrade() {
  local state keep=(--reset-then-reuse-values)
  choose_driver
  reach
  state=$(release_state)
  case ${state%% *} in
    "") fail $exit_usage "there is no release $release in namespace $namespace" "deploy-umbrella.sh install" ;;
    pending-*) fail $exit_findings "Helm was interrupted at ${state%% *}" "deploy-umbrella.sh rollback, then upgrade" ;;
  esac
  if [ -n "$reset_values" ]; then
    keep=(--reset-values)
  else
    # The values of before, as the plan's first file.
    scratch
    run_helm get values "$release" --namespace "$namespace" -o json > "$work/before.json"
    helm_values=(-f "$work/before.json" ${helm_values[@]+"${helm_values[@]}"})
  fi
  check_first
  install_infra cert-manager
  say "upgrading $release (${state#* })"
  apply upgrade "$release" "$chart" "${keep[@]}" "${helm_values[@]}"
  await
  install_infra
}

run_rollback() {
  local state
  choose_driver
  reach
  state=$(release_state)
  [ -n "$state" ] || fail $exit_usage "there is no release $release in namespace $namespace" "deploy-umbrella.sh install"
  say "rolling $release back from revision $(cut -d' ' -f2 <<< "$state")"
  apply rollback "$release" "$@"
  await
}

# check_first: the preflight, of which only what matters is shown; errors end the program before anything was changed.
check_first() {
  if [ -n "$skip_preflight" ]; then
    reach
    plan
    return 0
  fi
  local status=0
  preflight || status=$exit_findings
  print_findings warning error
  [ $status -eq 0 ] || fail $exit_findings "nothing was installed" "repair the errors above, or --skip-preflight when you know better"
}

# The release's namespace carries the platform's label and, when nothing needs a host's files, PodSecurity's strictest level.
make_namespace() {
  local level
  kube get namespace "$namespace" > /dev/null 2>&1 && return 0
  level=$(jq -r --arg namespace "$namespace" 'if [.objects[] | select(.metadata.namespace == $namespace) | .spec.template.spec.volumes[]? | select(.hostPath)] == [] then "restricted" else "privileged" end' "$work/plan.json")
  kube create namespace "$namespace" > /dev/null 2> "$work/error" || fail $exit_server "namespace $namespace cannot be made: $(tail -n 1 "$work/error")"
  kube label namespace "$namespace" "$selector" "pod-security.kubernetes.io/enforce=$level" "pod-security.kubernetes.io/enforce-version=latest" > /dev/null
}

# fetch_infra CHART: the charts that its Chart.lock names; `helm dependency build` would want their repositories in the
# user's own configuration.
fetch_infra() {
  local name repository version
  rm -rf "$1/charts.part"
  mkdir "$1/charts.part"
  while read -r name repository version; do
    case $repository in
      oci:*) run_helm pull "$repository/$name" --version "$version" --destination "$1/charts.part" ;;
      *) run_helm pull "$name" --repo "$repository" --version "$version" --destination "$1/charts.part" ;;
    esac > "$work/helm.log" 2>&1 || { rm -rf "$1/charts.part"; fail $exit_server "chart $name $version cannot be fetched from $repository" "$(tail -n 2 "$work/helm.log")"; }
  done < <(awk '/^- name:/ { name = $3 } /^  repository:/ { repository = $2 } /^  version:/ { print name, repository, $2 }' "$1/Chart.lock")
  mv "$1/charts.part" "$1/charts"
}

# cert-manager and the ingress controller are other people's charts, in a release of their own; what they are told is in
# ConfigMap blinkchamber-infra of the plan. cert-manager comes before everything (`install_infra cert-manager`); the
# controller comes last, since its agent needs the webhook and OpenBao.
install_infra() {
  local values infra=${BLINKCHAMBER_INFRA_CHART:-$here/chart-infra}
  # The scratch directory may have been given to another command meanwhile.
  values=$(jq -r '.objects[] | select(.kind == "ConfigMap" and .metadata.name == "blinkchamber-infra") | .data["values.json"]' "$work/plan.json")
  [ -n "$values" ] || return 0
  if [ "${1:-}" = cert-manager ]; then
    jq -e '."cert-manager".enabled' <<< "$values" > /dev/null || return 0
    # Nothing that runs already is taken away.
    run_helm status blinkchamber-infra --namespace infra > /dev/null 2>&1 || values=$(jq '.traefik.enabled = false | ."nginx-ingress".enabled = false' <<< "$values")
    say "installing cert-manager in namespace infra"
  else
    jq -e '.traefik.enabled or ."nginx-ingress".enabled' <<< "$values" > /dev/null || return 0
    say "installing the ingress controller in namespace infra"
  fi
  [ -f "$infra/Chart.yaml" ] || fail $exit_usage "cert-manager.enabled or nginx-ingress.enabled is set, and chart-infra is not there" "use a complete copy of the project"
  if [ ! -d "$infra/charts" ]; then
    fetch_infra "$infra"
  fi
  if ! kube get namespace infra > /dev/null 2>&1; then
    kube create namespace infra > /dev/null 2> "$work/error" || fail $exit_server "namespace infra cannot be made: $(tail -n 1 "$work/error")"
    # F5's controller opens ports below 1024 by itself.
    kube label namespace infra "$selector" "pod-security.kubernetes.io/enforce=$(jq -r 'if ."nginx-ingress".enabled then "baseline" else "restricted" end' <<< "$values")" > /dev/null
  fi
  run_helm upgrade --install blinkchamber-infra "$infra" --namespace infra -f - --wait --timeout "${timeout}s" <<< "$values" > "$work/helm.log" 2>&1 ||
    fail $exit_findings "helm could not install chart-infra" "$(tail -n 10 "$work/helm.log")"
}

# apply HELM-ARGUMENT...: helm hands the objects over and does not wait; await looks at them itself, and says what it sees.
apply() {
  scratch
  run_helm "$@" --namespace "$namespace" --timeout "${timeout}s" > "$work/helm.log" 2>&1 ||
    fail $exit_findings "helm: $(grep -m 1 -i error "$work/helm.log" || tail -n 1 "$work/helm.log")" "$(grep -vi '^error' "$work/helm.log" | tail -n 10 | grep . || echo "deploy-umbrella.sh status")"
}

# await: until everything is ready; a line when a component is, and when something stays wrong.
await() {
  if [ -n "$no_wait" ]; then
    say "handed over; look with: deploy-umbrella.sh status"
    return 0
  fi
  local deadline=$((SECONDS + timeout)) component ready level what help without_facts=yes
  # A start passes through many states; only what stays is worth a line, and what is merely slow a later one.
  local -A patience=([error]=15 [waiting]=60)
  declare -A seen=() since_when=() told=()
  while :; do
    observe
    while IFS=$'\t' read -r component ready; do
      [ "${seen[$component]:-}" = "$ready" ] || say "$(printf '%-24s %s ready' "$component" "$ready")"
      seen[$component]=$ready
    done < <(jq -r '.components[] | select(.state == "ready") | "\(.component)\t\(.ready)/\(.desired)"' "$work/status.json")
    while IFS=$'\t' read -r component level what help; do
      : "${since_when[$component$what]:=$SECONDS}"
      if ((SECONDS - since_when[$component$what] >= patience[$level])) && [ -z "${told[$component$what]:-}" ]; then
        say "$component: $what"
        printf '           help: %s\n' "$help"
        told[$component$what]=yes
      fi
    done < <(jq -r '.components[] | .component as $component | .problems[] | [$component, .level, .what, .help] | @tsv' "$work/status.json")
    if jq -e .ready "$work/status.json" > /dev/null; then break; fi
    if ((SECONDS >= deadline)); then
      print_status
      fail $exit_findings "not everything is ready after $timeout s" "once what is wrong is repaired it goes on by itself: deploy-umbrella.sh status"
    fi
    sleep 1
  done
  say "all components are ready"
}
