#!/usr/bin/env bash
# The rules of CONTRIBUTING.md that a program can see. Prints a line for each finding: PATH[:LINE]: what is wrong.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
findings=0
finding() {
  printf '%s\n' "$1"
  findings=$((findings + 1))
}

# Also what is new and not committed yet; never what was deleted.
mapfile -t files < <(git ls-files --cached --others --exclude-standard | while read -r file; do [ ! -f "$file" ] || echo "$file"; done | sort -u)

is_shell() {
  local first=""
  [[ $1 == *.sh ]] && return 0
  [ -x "$1" ] && IFS= read -r first < "$1" && [[ $first == '#!'*bash ]]
} 2> /dev/null

lines() { wc -l < "$1"; }

for file in "${files[@]}"; do
  case $file in
    */mod.rs) finding "$file: a module is foo.rs beside foo/, never mod.rs" ;;
    *.rs)
      [ "$(lines "$file")" -lt 500 ] || finding "$file: $(lines "$file") lines; split it below 500"
      if [[ $file == */main.rs && $file != tests/* && $(lines "$file") -gt 30 ]]; then finding "$file: $(lines "$file") lines; main.rs has at most 30"; fi
      while read -r line; do finding "$file:$line: unit tests live in a file of their own, foo/tests.rs"; done < <(grep -nE '^\s*mod tests \{' "$file" | cut -d: -f1) ;;
    *.py) python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" || finding "$file: not valid Python" ;;
    *)
      if is_shell "$file"; then
        [ "$(lines "$file")" -lt 300 ] || finding "$file: $(lines "$file") lines; split it below 300"
        bash -n "$file" || finding "$file: not valid shell"
      fi ;;
  esac
done

# forbid WHY PATTERN FILE...: a finding for each line that matches.
forbid() {
  local why=$1 pattern=$2 hit
  shift 2
  [ $# -gt 0 ] || return 0
  while IFS= read -r hit; do finding "$(cut -d: -f1,2 <<< "$hit"): $why"; done < <(grep -nHIEs -- "$pattern" "$@")
}

# select_files PATTERN: sets `selected`; this file, which names what it forbids, is left out.
select_files() {
  selected=()
  local file
  for file in "${files[@]}"; do
    [[ $file =~ $1 && $file != tests/check-house-rules.sh && $file != Cargo.lock ]] && selected+=("$file")
  done
  return 0
}

select_files '\.(rs|sh|py|toml|ya?ml|tpl|md)$|^Makefile$|^Containerfile$|^tests/'
forbid "unfinished work is done, or is an issue" '\b(TODO|FIXME|XXX|HACK)\b' "${selected[@]}"
select_files '.'
forbid "a path of one machine" '(^|[^A-Za-z0-9_.$}/-])/(root|work|home/[a-uw-z][a-z]*)/' "${selected[@]}"
forbid "the host of a package registry" '(pypi\.org|pythonhosted\.org|proxy\.golang\.org|sum\.golang\.org|static\.crates\.io|index\.crates\.io|deb\.debian\.org|registry\.npmjs\.org)' "${selected[@]}"
select_files '^chart/.*\.(ya?ml|tpl)$'
forbid "the chart holds and uses no Kubernetes Secret" 'kind: Secret\b|secretKeyRef|secretRef' "${selected[@]}"

[ $findings -eq 0 ] || { echo "$findings findings"; exit 1; }
