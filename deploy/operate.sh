# What the cluster's own program does: rotations, drift, snapshots. Sourced by deploy-umbrella.sh.
# shellcheck shell=bash

# in_cluster ARGUMENT...: runs it there; whether there is such a place at all is said first.
in_cluster() {
  kube get deployment --namespace "$namespace" blinkchamber-bootstrap > /dev/null 2>&1 ||
    fail $exit_server "there is no deployment blinkchamber-bootstrap in namespace $namespace" "deploy-umbrella.sh status"
  bootstrap "$@"
}

run_rotate() {
  reach
  if [ $# -eq 0 ]; then set -- --list; fi
  in_cluster rotate "$@" ${json:+--json}
}

run_diff() {
  reach
  in_cluster diff
}

run_backup() {
  local file=${1:-blinkchamber-$(date -u +%Y%m%dT%H%M%SZ).snap}
  reach
  [ ! -e "$file" ] || fail $exit_usage "$file exists already" "name another file"
  (umask 077 && in_cluster snapshot save - > "$file.part") || { rm -f "$file.part"; fail $exit_server "no snapshot was made" "deploy-umbrella.sh status"; }
  [ -s "$file.part" ] || { rm -f "$file.part"; fail $exit_server "the snapshot is empty"; }
  mv "$file.part" "$file"
  say "$file holds all of OpenBao, encrypted with the key of its seal: keep both, apart from each other"
}

run_restore() {
  [ -s "$1" ] || fail $exit_usage "there is no snapshot $1" "deploy-umbrella.sh backup makes one"
  reach
  confirm "OpenBao goes back to what it was when $1 was made; every secret written since is lost." restore
  stdin=(-i)
  in_cluster snapshot restore - < "$1" || fail $exit_server "the snapshot was not restored" "deploy-umbrella.sh status"
  say "restored; agents find rotated secrets within their poll"
}
