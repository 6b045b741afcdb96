# What every command uses: messages, exit codes, time. Sourced by deploy-umbrella.sh.
# shellcheck shell=bash

# Exit codes: 0 ok, 1 findings or a job that failed, 2 usage or configuration, 3 server, network or I/O.
readonly exit_findings=1 exit_usage=2 exit_server=3

note() { printf '%s\n' "$*" >&2; }

# fail CODE WHAT [HELP]
fail() {
  note "error: $2"
  [ $# -lt 3 ] || note "  help: $3"
  exit "$1"
}

# warn WHAT [HELP]
warn() {
  note "warning: $1"
  [ $# -lt 2 ] || note "  help: $2"
}

has() { command -v "$1" > /dev/null 2>&1; }

# at_least VERSION MINIMUM: whether the first two numbers of VERSION are not below those of MINIMUM.
at_least() {
  local major minor rest
  IFS=. read -r major minor rest <<< "${1#v}"
  minor=${minor%%[!0-9]*}
  [[ $major =~ ^[0-9]+$ && $minor =~ ^[0-9]+$ ]] || return 1
  ((major > ${2%%.*} || (major == ${2%%.*} && minor >= ${2##*.})))
}

# seconds_of DURATION: 90s, 10m, 1h; a plain number is seconds. Fails when it is none.
seconds_of() {
  [[ $1 =~ ^([0-9]+)([smh]?)$ ]] || return 1
  case ${BASH_REMATCH[2]} in
    m) echo $((BASH_REMATCH[1] * 60)) ;;
    h) echo $((BASH_REMATCH[1] * 3600)) ;;
    *) echo "${BASH_REMATCH[1]}" ;;
  esac
}

# Milliseconds on the clock, and since the program began.
milliseconds() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
begun=$(milliseconds)

# say TEXT: one line of progress with the seconds since the start.
say() {
  local elapsed=$(($(milliseconds) - begun))
  printf '%5d.%d s  %s\n' $((elapsed / 1000)) $((elapsed % 1000 / 100)) "$*"
}

# scratch: sets $work to a directory that goes when the program ends.
scratch() {
  [ -z "${work:-}" ] || return 0
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
}
