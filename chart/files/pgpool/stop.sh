#!/bin/sh
# Before the container is told to end: go on answering until nobody sends new connections any more, then let those that
# are open finish, for a while.
sleep "$LINGER"
pid=$(tr -d '\0' < /run/pgpool/pgpool.pid)
kill -TERM "$pid"
waited=0
while [ "$waited" -lt "$DRAIN" ] && kill -0 "$pid" 2> /dev/null; do
  sleep 1
  waited=$((waited + 1))
done
kill -INT "$pid" 2> /dev/null || true
