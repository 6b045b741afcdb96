#!/bin/sh
# Patroni calls this in the one member that begins the cluster anew: the last backup before the time that is asked for,
# and the log up to it.
set -eu
target=$(cat /restore/target)
echo "restore.sh: restoring to ${target:-the end of the log}"
set -- --type=default
[ -z "$target" ] || set -- --type=time --target="$target" --target-action=promote
exec pgbackrest --stanza=main --log-level-console=info "$@" restore
