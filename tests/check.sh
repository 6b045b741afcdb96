#!/usr/bin/env bash
# What a reviewer would say first: format, lints, dependencies, house rules, generated documents, the chart.
#   check.sh [PART...]     format, lints, dependencies, rules, documents, chart; without arguments all, and all findings
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
. tests/node/lib.sh
"$here/setup.sh" check
scratch

format() { cargo fmt --all --check; }

lints() { cargo clippy --quiet --workspace --all-targets --all-features --locked -- -D warnings; }

# Without the advisory database, which lies outside the registries.
dependencies() {
  cargo fetch --quiet --locked
  cargo deny --log-level error --offline check --hide-inclusion-graph bans licenses sources
}

rules() { tests/check-house-rules.sh; }

# A generated document says in its first line which command writes it.
documents() {
  local document command failed=0
  for document in docs/reference/*.md; do
    command=$(sed -n '1s/^<!-- Written by `\(cargo run [^`>]*\) > .*/\1/p' "$document")
    [ -n "$command" ] || continue
    $command > "$work/document" 2> "$work/document.log" || { cat "$work/document.log" >&2; return 1; }
    diff -u "$document" "$work/document" > "$work/document.diff" && continue
    note "$document is out of date; write it again: $command > $document"
    head -n 20 "$work/document.diff" >&2
    failed=1
  done
  return $failed
}

chart() {
  local values failed=0
  [ -f chart/Chart.yaml ] || return 0
  for values in chart/values*.yaml; do
    helm lint --quiet --strict chart -f "$values" || failed=1
    helm template blinkchamber chart --namespace blinkchamber --kube-version 1.35.4 -f "$values" > "$work/rendered.yaml" || return 1
    kubeconform -strict -schema-location "$cache/schemas/{{.ResourceKind}}{{.KindSuffix}}.json" "$work/rendered.yaml" ||
      { note "the render of $values is not valid"; failed=1; }
    if grep -nE '^kind: Secret$|secretKeyRef|secretRef|secretName' "$work/rendered.yaml" >&2; then
      note "the render of $values holds a Kubernetes Secret or uses one"
      failed=1
    fi
  done
  return $failed
}

[ $# -gt 0 ] || set -- format lints dependencies rules documents chart
failed=()
for part in "$@"; do
  [[ " format lints dependencies rules documents chart " == *" $part "* ]] || usage_error "there is no part $part" "format, lints, dependencies, rules, documents, chart"
  start=$SECONDS
  # Not in a condition: there bash would go on after a failed line.
  set +e
  (set -e; "$part")
  status=$?
  set -e
  if [ $status -eq 0 ]; then result=ok; else result=FAILED failed+=("$part"); fi
  printf '%-6s  %3d s  %s\n' "$result" $((SECONDS - start)) "$part"
done
[ ${#failed[@]} -eq 0 ] || { exit_code=1 die "not passed: ${failed[*]}" "one alone: tests/check.sh ${failed[0]}"; }
