# The table of commands and options: what is parsed, what help says and what the shell completes all come from here.
# shellcheck shell=bash

# NAME|ARGUMENTS|OPTIONS|WHAT IT DOES
command_table='install||values set namespace context timeout no-wait skip-preflight chart|install the platform and wait until everything is ready
upgrade||values set namespace context timeout no-wait skip-preflight reset-values chart|bring the release to this chart; values given before are kept, those given now come on top
rollback|[REVISION]|namespace context timeout no-wait|go back to the revision before, or to REVISION
uninstall||namespace context timeout keep-data yes|remove everything; asks before data goes
status||namespace context json|a table of components: ready, leader, rotation, expiry, and what is wrong
preflight||values set namespace context json chart|look whether the platform can be installed here, and change nothing
logs|[COMPONENT...]|namespace context follow since tail|logs of all components, or of some, merged and prefixed
rotate|[CREDENTIAL]|namespace context json|give a credential a new value; without a name, list them
diff||namespace context json|what in OpenBao differs from what the chart describes
backup|[FILE]|namespace context|write a snapshot of OpenBao to FILE (default: blinkchamber-DATE.snap)
restore|FILE|namespace context yes|bring OpenBao back to a snapshot; asks first
restore-database|[MOMENT]|context timeout yes|bring PostgreSQL back to a moment, or to the end of its log; asks first
completion|bash/zsh||print what makes a shell complete these commands
help|[COMMAND]||this text, or that of a command'

# LONG|SHORT|VALUE|WHAT IT DOES
option_table='values|f|FILE|a file of values for the chart; the later one wins
set||KEY=VALUE|one value, as in helm
namespace|n|NAME|namespace of the release (default: blinkchamber)
context||NAME|context of the kubeconfig (default: the current one)
timeout||DURATION|how long to wait, such as 90s, 10m or 1h (default: 10m)
no-wait|||do not wait until everything is ready
skip-preflight|||do not look first whether the cluster has what is needed
reset-values|||forget the values given before
chart||DIRECTORY|another version of the chart (default: chart, beside this program)
keep-data|||leave volumes, and with them all data
yes|y||do not ask
json|||for programs
follow|||go on as new lines come
since||DURATION|only lines younger than this, such as 15m
tail||N|this many lines of each container (default: 100; all with --since)'

row_of() { grep -m 1 "^$2|" <<< "$1"; } # TABLE NAME
field() { cut -d'|' -f"$2" <<< "$1"; }   # ROW NUMBER

usage_line() { # COMMAND
  local row arguments
  row=$(row_of "$command_table" "$1")
  arguments=$(field "$row" 2)
  printf 'deploy-umbrella.sh %s%s [OPTION...]\n' "$1" "${arguments:+ $arguments}"
}

help_of() { # COMMAND
  local row option line short value
  row=$(row_of "$command_table" "$1")
  usage_line "$1"
  printf '  %s\n' "$(field "$row" 4)"
  for option in $(field "$row" 3); do
    line=$(row_of "$option_table" "$option")
    short=$(field "$line" 2)
    value=$(field "$line" 3)
    printf '  %-28s %s\n' "${short:+-$short, }--$option${value:+ $value}" "$(field "$line" 4)"
  done
}

# run_help [COMMAND]
# shellcheck disable=SC2120 # main calls it by its name in the table
run_help() {
  if [ $# -eq 0 ]; then list_commands; return; fi
  row_of "$command_table" "$1" > /dev/null || fail $exit_usage "there is no command $1" "deploy-umbrella.sh help"
  help_of "$1"
}

list_commands() {
  local name arguments options what
  echo "usage: deploy-umbrella.sh COMMAND [OPTION...]"
  while IFS='|' read -r name arguments options what; do
    printf '  %-22s %s\n' "$name${arguments:+ $arguments}" "$what"
  done <<< "$command_table"
  echo
  echo "deploy-umbrella.sh help COMMAND lists the options."
  echo "Exit codes: 0 ok; 1 findings, not ready; 2 usage or configuration; 3 cluster, network, files."
  echo "Helm's records: HELM_DRIVER says where; by default ConfigMaps, so that not even they are Secrets."
}

names_of() { cut -d'|' -f1 <<< "$1"; }

# suggest TABLE WORD: the name that begins like WORD, for a message.
suggest() {
  local near
  near=$(names_of "$1" | grep -m 1 "^${2:0:2}" || true)
  [ -z "$near" ] || printf ' (did you mean %s?)' "$near"
}

# take_option COMMAND NAME VALUE
take_option() {
  case $2 in
    values)
      [ -f "$3" ] || fail $exit_usage "there is no file $3" "--values takes a YAML file"
      helm_values+=(-f "$3") ;;
    set) helm_values+=(--set "$3") ;;
    namespace)
      [[ $3 =~ ^[a-z0-9]([a-z0-9-]*[a-z0-9])?$ ]] || fail $exit_usage "$3 is no name of a namespace" "small letters, digits and -"
      namespace=$3 ;;
    context) context=$3 ;;
    timeout) timeout=$(seconds_of "$3") || fail $exit_usage "--timeout $3 is no duration" "such as 90s, 10m or 1h" ;;
    since)
      seconds_of "$3" > /dev/null || fail $exit_usage "--since $3 is no duration" "such as 90s, 10m or 1h"
      since=$3 ;;
    tail)
      [[ $3 =~ ^[0-9]+$ ]] || fail $exit_usage "--tail $3 is no number" "such as 100"
      tail=$3 ;;
    chart)
      [ -f "$3/Chart.yaml" ] || fail $exit_usage "$3 holds no Chart.yaml" "--chart takes the directory of a chart"
      chart=$3 ;;
    *) declare -g "${2//-/_}=yes" ;;
  esac
}

# parse COMMAND ARGUMENT...: sets the options' variables and `arguments`; anything unknown ends the program.
parse() {
  local command=$1 allowed name line value
  shift
  allowed=$(field "$(row_of "$command_table" "$command")" 3)
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) help_of "$command"; exit 0 ;;
      --) shift; arguments+=("$@"); return ;;
      --*=*) name=${1%%=*} name=${name#--} value=${1#*=}; shift; set -- "--$name" "$value" "$@" ;;
      --*) name=${1#--} ;;
      -?*) name=$(awk -F'|' -v short="${1#-}" '$2 == short { print $1 }' <<< "$option_table") ;;
      *) arguments+=("$1"); shift; continue ;;
    esac
    [[ -n $name && " $allowed " == *" $name "* ]] ||
      fail $exit_usage "$command knows no option $1$(suggest "$(tr ' ' '\n' <<< "$allowed")" "$name")" "deploy-umbrella.sh help $command"
    line=$(row_of "$option_table" "$name")
    if [ -n "$(field "$line" 3)" ]; then
      [ $# -ge 2 ] || fail $exit_usage "--$name needs a value" "--$name $(field "$line" 3)"
      take_option "$command" "$name" "$2"
      shift 2
    else
      take_option "$command" "$name" yes
      shift
    fi
  done
}

# count MINIMUM MAXIMUM: how many arguments the command takes.
count() {
  if [ ${#arguments[@]} -lt "$1" ] || [ ${#arguments[@]} -gt "$2" ]; then
    fail $exit_usage "$command takes $(if [ "$1" = "$2" ]; then echo "$1"; else echo "$1 to $2"; fi) arguments, got ${#arguments[@]}" "$(usage_line "$command")"
  fi
}

main() {
  local command=${1:-}
  [ $# -gt 0 ] || { list_commands >&2; exit $exit_usage; }
  shift
  case $command in -h | --help) command=help ;; esac
  row_of "$command_table" "$command" > /dev/null ||
    fail $exit_usage "there is no command $command$(suggest "$command_table" "$command")" "deploy-umbrella.sh help"
  namespace=blinkchamber release=blinkchamber context="" chart=$here/chart timeout=600
  helm_values=() arguments=()
  json="" no_wait="" skip_preflight="" reset_values="" keep_data="" yes="" follow="" since="" tail=""
  parse "$command" "$@"
  case $command in
    help) count 0 1 ;;
    completion | restore) count 1 1 ;;
    rotate | backup | rollback | restore-database) count 0 1 ;;
    logs) ;;
    *) count 0 0 ;;
  esac
  "run_$command" ${arguments[@]+"${arguments[@]}"}
}

run_completion() {
  case $1 in
    bash) ;;
    zsh) echo 'autoload -U +X bashcompinit && bashcompinit' ;;
    *) fail $exit_usage "there is no completion for $1" "bash or zsh: source <(deploy-umbrella.sh completion bash)" ;;
  esac
  echo '_deploy_umbrella() {'
  echo '  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} options'
  echo '  COMPREPLY=()'
  echo '  case $previous in'
  echo '    -f|--values) COMPREPLY=($(compgen -f -- "$word")); return ;;'
  echo '    --chart) COMPREPLY=($(compgen -d -- "$word")); return ;;'
  echo '  esac'
  printf '  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "%s" -- "$word")); return; fi\n' "$(names_of "$command_table" | tr '\n' ' ')"
  echo '  case ${COMP_WORDS[1]} in'
  local name arguments options what words
  while IFS='|' read -r name arguments options what; do
    words=$(for option in $options; do printf -- '--%s ' "$option"; done)
    case $name in
      completion) words="bash zsh" ;;
      help) words=$(names_of "$command_table" | tr '\n' ' ') ;;
    esac
    printf '    %s) options="%s" ;;\n' "$name" "$words"
  done <<< "$command_table"
  echo '  esac'
  echo '  COMPREPLY=($(compgen -W "$options" -- "$word"))'
  echo '  case ${COMP_WORDS[1]} in restore|backup) COMPREPLY+=($(compgen -f -- "$word")) ;; esac'
  echo '}'
  echo 'complete -F _deploy_umbrella deploy-umbrella.sh ./deploy-umbrella.sh'
}
