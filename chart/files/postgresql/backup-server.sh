#!/bin/sh
# pgBackRest's TLS server: through it members send their log to the repository, and the repository's host reads members.
# The agent says (HUP) when there is a new certificate.
set -eu
trap '' HUP
pgbackrest server &
server=$!
ending=0
trap 'ending=1' TERM INT
# Before it listens it would end of the signal. 8432 is 20F0.
until grep -qi ':20F0 ' /proc/net/tcp /proc/net/tcp6; do
  kill -0 "$server" || exit 1
  sleep 0.2
done
kill -HUP "$server"
trap 'kill -HUP "$server"' HUP
while kill -0 "$server" 2> /dev/null; do
  [ "$ending" = 0 ] || kill -TERM "$server"
  wait "$server" || true
done
echo "backup-server.sh: the server has ended"
