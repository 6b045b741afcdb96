#!/bin/sh
# Makes backups when they are due. What a backup needs beside itself, the log, members send by themselves.
set -eu

say() { echo "backup.sh: $*"; }

# Whether the last backup of a kind is older than some hours. Its time is kept beside the backups.
is_due() { [ -z "$(find "/repo/last-$1" -mmin "-$(($2 * 60))" 2> /dev/null)" ]; }

back_up() {
  if pgbackrest --stanza=main --type="$1" backup; then
    touch "/repo/last-$1" "/repo/last-incr"
    say "a backup ($1) is made"
  else
    say "the backup ($1) failed, trying again in a minute"
  fi
}

trap 'exit 0' TERM INT
until pgbackrest --stanza=main stanza-create; do
  say "the cluster does not answer yet"
  sleep 5 &
  wait $! || true
done
touch /tmp/works
while :; do
  if is_due full "$FULL_HOURS"; then
    back_up full
  elif is_due incr "$INCREMENTAL_HOURS"; then
    back_up incr
  fi
  sleep 60 &
  wait $! || true
done
