#!/usr/bin/env bash
# What a reviewer would say first: format, lints, dependencies, house rules, generated documents, the chart.
#   check.sh [PART...]     format, lints, dependencies, rules, shell, documents, chart, metrics; without arguments all, and all findings
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

# Every script with what it sources, so that a variable of another file is known.
shell() {
  local file first scripts=()
  while IFS= read -r file; do
    [ -f "$file" ] && IFS= read -r first < "$file" && [[ $first == '#!'*@(bash|bats|/sh) ]] && scripts+=("$file")
  done < <(git ls-files --cached --others --exclude-standard) 2> /dev/null
  shellcheck --check-sourced --severity warning --format gcc "${scripts[@]}" > "$work/shellcheck" || { sort -u "$work/shellcheck" >&2; return 1; }
}

# A generated document says in its first line which command writes it.
documents() {
  local document command failed=0
  for document in docs/reference/*.md chart/README.md; do
    command=$(sed -nE '1s/^<!-- Written by `((cargo run|python3 tests\/)[^`>]*) > .*/\1/p' "$document")
    [ -n "$command" ] || continue
    $command > "$work/document" 2> "$work/document.log" || { cat "$work/document.log" >&2; return 1; }
    diff -u "$document" "$work/document" > "$work/document.diff" && continue
    note "$document is out of date; write it again: $command > $document"
    head -n 20 "$work/document.diff" >&2
    failed=1
  done
  command="cargo run --quiet -p blinkchamber-policies -- rules --write"
  $command "$work/rules" 2> "$work/document.log" || { cat "$work/document.log" >&2; return 1; }
  diff -ru docs/reference/rules "$work/rules" > "$work/document.diff" || {
    note "docs/reference/rules is out of date; write it again: $command docs/reference/rules"
    head -n 20 "$work/document.diff" >&2
    failed=1
  }
  return $failed
}

# rendered NAME HELM-ARGUMENT...: renders, and looks at it as Kubernetes would, and for what must not be in it.
rendered() {
  local name=$1 failed=0
  shift
  helm template blinkchamber chart --namespace blinkchamber --kube-version 1.35.4 "$@" > "$work/rendered.yaml" || { note "$name does not render"; return 1; }
  kubeconform -strict -schema-location "$cache/schemas/{{.ResourceKind}}{{.KindSuffix}}.json" "$work/rendered.yaml" || failed=1
  if grep -nE '^kind: Secret$|secretKeyRef|secretRef|secretName' "$work/rendered.yaml" >&2; then failed=1; fi
  [ $failed -eq 0 ] || note "the render of $name is not valid, or holds a Kubernetes Secret or uses one"
  return $failed
}

# The values files as they are; everything switched on; and each component switched off, elsewhere or alone.
chart() {
  local values failed=0 everything=tests/chart/variants/everything.yaml
  for values in chart/values*.yaml; do
    helm lint --quiet --strict chart -f "$values" || failed=1
    rendered "$values" -f "$values" || failed=1
  done
  for values in tests/chart/variants/*.yaml; do
    rendered "$values" -f $everything -f "$values" || failed=1
  done
  rendered "everything" -f $everything && python3 tests/chart/network.py --all "$work/rendered.yaml" tests/chart/pairs.txt > "$work/network" || { cat "$work/network" >&2; failed=1; }
  tests/chart/network.sh >&2 || failed=1
  python3 tests/chart/readme.py --check >&2 || failed=1
  helm-unittest --strict --color=false chart > "$work/unittest" 2>&1 || { grep -vE '^ *PASS' "$work/unittest" >&2; failed=1; }
  return $failed
}

# Alerts by Prometheus's own checker, and what alerts and dashboards name.
metrics() {
  cp chart/files/metrics/alerts.yaml tests/metrics/alerts_test.yaml "$work/"
  promtool check rules "$work/alerts.yaml" > "$work/promtool" 2>&1 || { cat "$work/promtool" >&2; return 1; }
  promtool test rules "$work/alerts_test.yaml" > "$work/promtool" 2>&1 || { cat "$work/promtool" >&2; return 1; }
  python3 tests/metrics/check.py --rules > "$work/dashboards.yaml"
  promtool check rules "$work/dashboards.yaml" > "$work/promtool" 2>&1 || { cat "$work/promtool" >&2; return 1; }
  python3 tests/metrics/check.py
}

parts=(format lints dependencies rules shell documents chart metrics)
[ $# -gt 0 ] || set -- "${parts[@]}"
failed=()
for part in "$@"; do
  [[ " ${parts[*]} " == *" $part "* ]] || usage_error "there is no part $part" "${parts[*]}"
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
