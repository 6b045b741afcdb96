#!/bin/sh
# Main process of a PgPool container. PgPool reads its certificate once, at its start: when the agent has written a new
# one (HUP), nobody new is sent here for a while, sessions that are open may finish, and PgPool starts again with it.
set -eu
secrets=/vault/secrets
run=/run/pgpool

say() { echo "pgpool.sh: $*"; }

start() {
  rm -f "$run/pgpool.pid" "$run/tls.crt"
  cp -L "$secrets/tls.crt" "$run/tls.crt"
  pgpool -n -f /config/pgpool.conf -F /config/pcp.conf -a /config/pool_hba.conf &
  pgpool=$!
}

# Goes on answering until nobody sends new connections any more, then lets those that are open finish, at most $1 seconds.
drain() {
  touch "$run/draining"
  sleep "$LINGER"
  kill -TERM "$pgpool"
  await "$1"
  # Once it waits for its children, PgPool itself takes no other word: they are told one by one.
  tell INT
  await 5
  tell KILL
  wait "$pgpool" || true
}

await() {
  waited=0
  while [ "$waited" -lt "$1" ] && kill -0 "$pgpool" 2> /dev/null; do
    sleep 1
    waited=$((waited + 1))
  done
}

tell() {
  for process in $(pidof pgpool); do kill "-$1" "$process" 2> /dev/null || true; done
}

is_current() { cmp -s "$secrets/tls.crt" "$run/tls.crt"; }

# Children must not die of a signal that is meant for this shell: the agent finds it by the script's name.
trap '' HUP
umask 077
rm -f "$run/draining"
start
# The agent asks whether PgPool has come back with what it wrote.
mkdir -p "$run/www/cgi-bin"
cp /config/current.cgi "$run/www/cgi-bin/current"
chmod 700 "$run/www/cgi-bin/current"
httpd -f -p 127.0.0.1:9999 -h "$run/www" &
if [ -n "${METRICS_PORT:-}" ]; then
  mkdir -p "$run/metrics/cgi-bin"
  cp /config/metrics.cgi "$run/metrics/cgi-bin/metrics"
  chmod 700 "$run/metrics/cgi-bin/metrics"
  httpd -f -p "$METRICS_PORT" -h "$run/metrics" &
fi
# A signal that comes just before the wait would be lost: look again from time to time.
(while sleep 15; do kill -HUP $$; done) &

ending=0
trap 'ending=1' TERM INT
while kill -0 "$pgpool" 2> /dev/null; do
  trap '' HUP
  if [ "$ending" = 1 ]; then
    say "ending"
    drain "$DRAIN"
    exit 0
  elif ! is_current; then
    say "a new certificate: no new sessions until the open ones are finished"
    drain "$RENEWAL_DRAIN"
    [ "$ending" = 1 ] || { start; rm -f "$run/draining"; say "started with the new certificate"; }
  fi
  trap ':' HUP
  # A signal ends the wait, not PgPool.
  ! is_current || [ "$ending" = 1 ] || wait "$pgpool" || true
done
say "PgPool has ended"
exit 1
