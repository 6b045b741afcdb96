#!/usr/bin/env bash
# Who reaches whom under the NetworkPolicies of both charts: every pair that is open, in tests/chart/network/*.txt, for the
# values beside each. A pair that is new there has to be meant.
#   network.sh            compares
#   network.sh --write    writes the lists anew
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
. "$root/tests/node/lib.sh"
scratch
PATH=$bin:$PATH
[ $# -eq 0 ] || [ "$*" = --write ] || usage_error "network.sh takes --write or nothing" "network.sh [--write]"

# The charts that chart-infra depends on lie in repositories; their pods are those of infra-pods.yaml.
mkdir "$work/infra"
cp -r "$root/chart-infra/templates" "$root/chart-infra/values.yaml" "$work/infra/"
sed '/^dependencies:/,/^annotations:/{/^annotations:/!d}' "$root/chart-infra/Chart.yaml" > "$work/infra/Chart.yaml"

render() { helm template "$1" "$2" --namespace "$3" --kube-version 1.35.4 "${@:4}"; }

failed=0
for values in "$here"/network/*.yaml; do
  list=${values%.yaml}.txt
  render blinkchamber "$root/chart" blinkchamber -f "$here/variants/everything.yaml" -f "$values" > "$work/main.yaml"
  python3 -c 'import sys, yaml
for one in yaml.safe_load_all(sys.stdin):
    if one and one["metadata"]["name"] == "blinkchamber-infra":
        print(one["data"]["values.json"])' < "$work/main.yaml" > "$work/values.json"
  renders=("$work/main.yaml")
  if [ -s "$work/values.json" ]; then
    helm lint --quiet --strict "$work/infra" -f "$work/values.json" || failed=1
    render blinkchamber-infra "$work/infra" infra -f "$work/values.json" > "$work/infra.yaml"
    kubeconform -strict -schema-location "$cache/schemas/{{.ResourceKind}}{{.KindSuffix}}.json" "$work/infra.yaml" || failed=1
    renders+=("$work/infra.yaml" "$here/infra-pods.yaml")
  fi
  python3 "$here/network.py" --list "${renders[@]}" > "$work/list"
  if [ $# -gt 0 ]; then
    cp "$work/list" "$list"
  elif ! diff -u "$list" "$work/list"; then
    note "${list##*/}: other pairs are open than are listed; if that is meant: tests/chart/network.sh --write"
    failed=1
  fi
done
exit $failed
