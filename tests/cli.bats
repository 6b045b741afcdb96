#!/usr/bin/env bats
# deploy-umbrella.sh without a cluster: kubectl and helm are those of tests/cli, which answer from files and write down
# what they are asked.
bats_require_minimum_version 1.5.0
load lib/objects

setup() {
  root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
  export FAKE=$BATS_TEST_TMPDIR
  REAL_HELM=$(command -v helm)
  export REAL_HELM
  PATH=$root/tests/cli:$PATH
  unset HELM_DRIVER
  touch "$FAKE/calls"
  echo '{"items": [{"metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "volumeBindingMode": "WaitForFirstConsumer"}]}' > "$FAKE/get-storageclasses.json"
  node 4 8Gi
  mapfile -t commands < <(sed -n "/^command_table='/,/'\$/s/^\(command_table='\)\{0,1\}\([a-z]*\)|.*/\2/p" "$root/deploy/commands.sh")
}

umbrella() { "$root/deploy-umbrella.sh" "$@"; }
small() { local command=$1; shift; umbrella "$command" --chart "$root/tests/cli/chart" "$@"; }
has_text() { [[ $output == *"$1"* ]] || { printf 'not in the output: %s\n%s\n' "$1" "$output"; return 1; }; }
has_no_text() { [[ $output != *"$1"* ]] || { printf 'in the output: %s\n%s\n' "$1" "$output"; return 1; }; }
was_asked() { grep -q -- "$1" "$FAKE/calls" || { printf 'never asked: %s\n' "$1"; cat "$FAKE/calls"; return 1; }; }
was_not_asked() { ! grep -- "$1" "$FAKE/calls" || { printf 'asked: %s\n' "$1"; return 1; }; }

@test "without a command it lists the commands and fails" {
  run -2 umbrella
  [ ${#commands[@]} -ge 13 ]
  for command in "${commands[@]}"; do has_text "  $command"; done
}

@test "every command explains itself and each of its options" {
  for command in "${commands[@]}"; do
    run -0 umbrella help "$command"
    has_text "deploy-umbrella.sh $command"
    run -0 umbrella "$command" --help
  done
  run -0 umbrella help uninstall
  has_text "--keep-data"
  has_text "-y, --yes"
}

@test "a misspelt command or option is named, and the likely one" {
  run -2 umbrella instal
  has_text "no command instal (did you mean install?)"
  run -2 umbrella install --valeus x
  has_text "no option --valeus (did you mean values?)"
  run -2 umbrella status --yes
  has_text "status knows no option --yes"
  run -2 umbrella help nothing
  has_text "no command nothing"
}

@test "a wrong value says what a right one is, before the cluster is asked anything" {
  run -2 umbrella install --timeout 5x
  has_text "such as 90s, 10m or 1h"
  run -2 umbrella logs --since yesterday
  run -2 umbrella logs --tail many
  run -2 umbrella install -f "$FAKE/missing.yaml"
  has_text "there is no file"
  run -2 umbrella install --namespace No_Name
  run -2 umbrella install --namespace
  has_text "--namespace needs a value"
  run -2 umbrella install --chart "$FAKE"
  has_text "holds no Chart.yaml"
  run -2 umbrella status extra
  has_text "takes 0 arguments, got 1"
  run -2 umbrella restore "$FAKE/missing.snap"
  has_text "there is no snapshot"
  run -2 umbrella completion fish
  [ ! -s "$FAKE/calls" ]
}

@test "options are taken as --name=value, and short" {
  run -0 small preflight --namespace=elsewhere
  was_asked "namespace elsewhere"
  run -0 small preflight -n other --context there
  was_asked "kubectl --context there version"
}

@test "bash completes commands and the options of each" {
  run -0 bash -c 'source <("$1" completion bash)
    COMP_WORDS=(deploy-umbrella.sh un) COMP_CWORD=1; _deploy_umbrella; echo "${COMPREPLY[*]}"
    COMP_WORDS=(deploy-umbrella.sh upgrade --re) COMP_CWORD=2; _deploy_umbrella; echo "${COMPREPLY[*]}"' - "$root/deploy-umbrella.sh"
  [ "${lines[0]}" = uninstall ]
  [ "${lines[1]}" = --reset-values ]
  run -0 umbrella completion zsh
  has_text bashcompinit
}

@test "a program that is missing is named, with how to get it" {
  mkdir "$FAKE/bin"
  for tool in bash dirname readlink env cut grep sed tail awk cat tr mktemp rm; do ln -s "$(command -v "$tool")" "$FAKE/bin/$tool"; done
  PATH=$FAKE/bin run -2 umbrella status
  has_text "kubectl is not installed"
  ln -s "$root/tests/cli/kubectl" "$FAKE/bin/kubectl"
  PATH=$FAKE/bin run -2 umbrella status
  has_text "jq is not installed"
  ln -s "$(command -v jq)" "$FAKE/bin/jq"
  PATH=$FAKE/bin run -2 umbrella status
  has_text "helm is not installed"
}

@test "a cluster that does not answer is exit code 3" {
  touch "$FAKE/down"
  for command in status preflight install logs rotate diff; do
    run -3 umbrella "$command"
    has_text "the cluster does not answer: connection refused"
  done
}

@test "preflight is content with a cluster that has everything" {
  run -0 small preflight
  has_text "storage: 3 volumes, 3Gi, default class standard"
  has_text "room: 0.75 CPU and 384Mi of 4 CPU and 8Gi on 1 of 1 nodes"
  has_no_text "error"
  run -0 small preflight --json
  jq -e 'length >= 6 and all(.[]; .level == "ok")' <<< "$output"
}

@test "preflight counts replicas and agents, and warns when nodes have no room" {
  node 0.5 8Gi
  run -0 small preflight
  has_text "the nodes have 0.5 CPU and 8Gi left, 0.75 CPU and 384Mi are asked for"
  node 4 8Gi false
  run -0 small preflight
  has_text "no node is Ready"
}

@test "preflight finds what is too old" {
  echo '{"clientVersion": {"gitVersion": "v1.35.4"}, "serverVersion": {"gitVersion": "v1.29.14"}}' > "$FAKE/version.json"
  run -1 small preflight
  has_text "Kubernetes 1.29.14 is too old"
  rm "$FAKE/version.json"
  echo v3.13.9 > "$FAKE/helm-version"
  run -1 small preflight
  has_text "helm v3.13.9 is too old"
  echo v3.14.0 > "$FAKE/helm-version"
  run -0 small preflight
}

@test "preflight names what may not be made, and nothing is installed" {
  echo statefulset.apps > "$FAKE/forbidden"
  run -1 small preflight
  has_text "you may not make: statefulset.apps in blinkchamber"
  run -1 small install
  has_text "nothing was installed"
  was_not_asked "helm upgrade"
  was_not_asked "create namespace"
}

@test "preflight warns of storage that nobody will give" {
  echo '{"items": [{"metadata": {"name": "slow"}}]}' > "$FAKE/get-storageclasses.json"
  run -0 small preflight
  has_text "no StorageClass is the default, and 3 volumes name none"
  has_text "kubectl annotate storageclass slow storageclass.kubernetes.io/is-default-class=true"
}

@test "preflight compares quotas, and not those of other namespaces" {
  quota blinkchamber pods 2 0
  run -0 small preflight
  has_text "quota small of namespace blinkchamber is too small: pods leaves 2, 3 is needed"
  quota blinkchamber requests.memory 512Mi 256Mi
  run -0 small preflight
  has_text "requests.memory leaves 256Mi, 384Mi is needed"
  quota elsewhere pods 1 0
  run -0 small preflight
  has_text "quotas: none is too small"
}

@test "preflight names kinds that nobody has brought; cert-manager's come with the install" {
  run -1 small preflight --set monitor=true
  has_text "the cluster does not know ServiceMonitor (monitoring.coreos.com)"
  echo servicemonitors > "$FAKE/kinds-monitoring.coreos.com"
  run -0 small preflight --set monitor=true
  run -0 small preflight --set cert-manager.enabled=true
}

@test "a namespace that is being deleted stops an install" {
  echo '{"items": [{"metadata": {"name": "blinkchamber"}, "status": {"phase": "Terminating"}}]}' > "$FAKE/get-namespaces.json"
  run -1 small install
  has_text "namespace blinkchamber is being deleted"
  was_not_asked "helm upgrade"
}

@test "values that the chart refuses are exit code 2, with the chart's words" {
  run -2 small install --set replica=3
  has_text "additional properties 'replica' not allowed"
  was_not_asked "helm upgrade"
}

@test "install hands over with Helm's records in ConfigMaps, and waits for everything" {
  objects "$(workload StatefulSet vault 3 3)"
  echo '[{"status": "deployed", "revision": 1, "chart": "blinkchamber-0.0.1"}]' > "$FAKE/after"
  run -0 small install --no-wait --set replicas=1
  was_asked "helm upgrade --install blinkchamber .* --set replicas=1 --namespace blinkchamber"
  was_asked "create namespace blinkchamber"
  was_asked "label namespace blinkchamber app.kubernetes.io/part-of=blinkchamber-platform pod-security.kubernetes.io/enforce=restricted"
  cp "$FAKE/after" "$FAKE/history.json"
  run -2 small install
  has_text "installed already"
}

@test "what stays wrong until the time is up is said, with exit code 1" {
  echo '[{"status": "failed", "revision": 1, "chart": "blinkchamber-0.0.1"}]' > "$FAKE/history.json"
  objects "$(workload StatefulSet vault 1 0)" "$(pod vault-0 vault StatefulSet "$(waiting ImagePullBackOff)")"
  run -1 small install --timeout 1
  has_text "image example/vault:1 cannot be pulled (ImagePullBackOff)"
  has_text "not everything is ready after 1 s"
  has_text "goes on by itself"
}

@test "what helm says is passed on" {
  echo "Error: UPGRADE FAILED: out of luck" > "$FAKE/helm-fails"
  run -1 small install
  has_text "out of luck"
}

@test "upgrade and rollback need a release, and keep the values of before" {
  run -2 small upgrade
  has_text "there is no release"
  run -2 umbrella rollback
  echo '[{"status": "deployed", "revision": 4, "chart": "blinkchamber-0.0.1"}]' > "$FAKE/history.json"
  run -0 small upgrade --no-wait
  was_asked "helm upgrade blinkchamber .* --reset-then-reuse-values"
  run -0 small upgrade --no-wait --reset-values
  was_asked "helm upgrade blinkchamber .* --reset-values"
  run -0 umbrella rollback 3 --no-wait
  was_asked "helm rollback blinkchamber 3"
  echo '[{"status": "pending-upgrade", "revision": 5, "chart": "blinkchamber-0.0.1"}]' > "$FAKE/history.json"
  run -1 small upgrade
  has_text "Helm was interrupted"
}

@test "records that are Secrets already stay where they are" {
  echo secret/sh.helm.release.v1.blinkchamber.v1 > "$FAKE/get-secret.name"
  run -0 bash -c 'root=$1; . "$root/deploy/lib.sh"; . "$root/deploy/cluster.sh"; context="" namespace=n release=r; choose_driver; echo "$HELM_DRIVER"' - "$root"
  [ "$output" = secret ]
  rm "$FAKE/get-secret.name"
  run -0 bash -c 'root=$1; . "$root/deploy/lib.sh"; . "$root/deploy/cluster.sh"; context="" namespace=n release=r; choose_driver; echo "$HELM_DRIVER"' - "$root"
  [ "$output" = configmap ]
}

@test "uninstall asks before data goes, and nobody's silence is a yes" {
  echo '[{"status": "deployed", "revision": 1, "chart": "blinkchamber-0.0.1"}]' > "$FAKE/history.json"
  run -2 bash -c '"$1" uninstall < /dev/null' - "$root/deploy-umbrella.sh"
  has_text "add --yes"
  was_not_asked "helm uninstall"
  was_not_asked "kubectl delete"
  run -0 umbrella uninstall --yes
  was_asked "helm uninstall blinkchamber"
  was_asked "kubectl delete persistentvolumeclaims"
}

@test "uninstall --keep-data takes the volumes out of their sets' hands first, and deletes none" {
  echo '[{"status": "deployed", "revision": 1, "chart": "blinkchamber-0.0.1"}]' > "$FAKE/history.json"
  echo "database postgresql" > "$FAKE/get-statefulsets.text"
  run -0 umbrella uninstall --keep-data
  was_asked 'patch statefulset --namespace database postgresql .*"whenDeleted": "Retain"'
  was_asked "helm uninstall"
  was_not_asked "delete persistentvolumeclaims"
  [ "$(grep -n "patch statefulset" "$FAKE/calls" | head -n 1 | cut -d: -f1)" -lt "$(grep -n "helm uninstall" "$FAKE/calls" | head -n 1 | cut -d: -f1)" ]
}

@test "logs knows the components that run" {
  printf 'vault\nredis\n' > "$FAKE/get-pods.text"
  run -2 umbrella logs postgres
  has_text "no pod belongs to a component postgres"
  has_text "redis, vault"
  run -0 umbrella logs vault --since 5m
  was_asked "logs --namespace .* -l .*component in (vault) --prefix .* --since 5m"
}

@test "what only the cluster's own program can do needs it to be there" {
  for command in rotate diff; do
    run -3 umbrella "$command"
    has_text "no deployment blinkchamber-bootstrap"
  done
}

@test "without a name rotate lists, with one it rotates" {
  touch "$FAKE/bootstrap"
  echo "[]" > "$FAKE/exec"
  run -0 umbrella rotate --json
  was_asked "deployment/blinkchamber-bootstrap -- /blinkchamber-bootstrap rotate --list --json"
  run -0 umbrella rotate redis-app
  was_asked "deployment/blinkchamber-bootstrap -- /blinkchamber-bootstrap rotate redis-app"
}

@test "a backup is complete or not there, and overwrites nothing" {
  touch "$FAKE/bootstrap" "$FAKE/taken"
  run -2 umbrella backup "$FAKE/taken"
  run -3 umbrella backup "$FAKE/new.snap"
  [ ! -e "$FAKE/new.snap" ] && [ ! -e "$FAKE/new.snap.part" ]
  echo snapshot > "$FAKE/exec"
  run -0 umbrella backup "$FAKE/new.snap"
  [ "$(stat -c %a "$FAKE/new.snap")" = 600 ]
  [ "$(cat "$FAKE/new.snap")" = snapshot ]
  run -2 bash -c '"$1" restore "$2" < /dev/null' - "$root/deploy-umbrella.sh" "$FAKE/new.snap"
  was_not_asked "snapshot restore"
  run -0 umbrella restore "$FAKE/new.snap" --yes
  was_asked "exec --namespace blinkchamber -i deployment/blinkchamber-bootstrap -- /blinkchamber-bootstrap snapshot restore -"
}
