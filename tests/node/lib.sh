# Shared by the scripts that set a machine up: where things are kept, what is said, and what need not be done twice.
# Sourced, never run. Everything lives below one directory, which may be removed at any time when no node runs.

# shellcheck disable=SC2034 # of those who source this
node_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/blinkchamber
bin=$cache/bin images=$cache/images downloads=$cache/downloads
mkdir -p "$bin" "$images" "$downloads" "$cache/keys"
export PATH="$bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"

note() { printf '%s\n' "$*" >&2; }

# die WHAT [HOW TO HELP]
die() {
  note "error: $1"
  [ $# -lt 2 ] || note "  help: $2"
  exit "${exit_code:-3}"
}

# usage_error WHAT HOW: the caller asked for something that does not exist.
usage_error() { exit_code=2 die "$@"; }

has() { command -v "$1" > /dev/null 2>&1; }

# key_of FUNCTION [FILE... | =TEXT...]: a hash of a recipe (its commands, not its comments) and of what goes into it.
key_of() {
  local recipe=$1 input sum all
  shift
  all=$(declare -f "$recipe") || die "there is no recipe $recipe"
  for input in "$@"; do
    if [ "${input#=}" != "$input" ]; then
      all+=$'\n'$input
    else
      sum=$(sha256sum < "$input") || die "an input of $recipe is missing: $input"
      all+=$'\n'$sum
    fi
  done
  sha256sum <<< "$all" | cut -c1-32
}

# is_made NAME KEY FILE: whether FILE exists and was made with this key.
is_made() { [ -e "$3" ] && [ -f "$cache/keys/$1" ] && [ "$(< "$cache/keys/$1")" = "$2" ]; }

# make_once NAME KEY FILE TITLE COMMAND...: runs COMMAND unless FILE was made with this key; two callers do not collide.
make_once() {
  local name=$1 key=$2 file=$3 title=$4 start lock status
  shift 4
  [ -n "$key" ] || exit 3 # key_of has said why
  is_made "$name" "$key" "$file" && return 0
  exec {lock}> "$cache/keys/$name.lock"
  flock -n "$lock" || { note "waiting for another run that makes $name"; flock "$lock"; }
  if ! is_made "$name" "$key" "$file"; then
    note "$title ..."
    start=$SECONDS
    rm -f "$cache/keys/$name"
    # Not in a condition: there bash would go on after a failed line.
    set +e
    (set -e; "$@") {lock}>&-
    status=$?
    set -e
    [ $status -eq 0 ] || die "$name could not be made" "what failed is said above; nothing half-made is used"
    [ -e "$file" ] || die "$name was made, but $file is not there"
    printf '%s' "$key" > "$cache/keys/$name"
    note "  $name: $((SECONDS - start)) s"
  fi
  exec {lock}>&-
}

# scratch: a directory that goes with the script; sets $work.
scratch() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
}
