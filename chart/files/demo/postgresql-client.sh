#!/bin/sh
# Logs in again and again with whatever credential the file holds now, and says as whom.
set -eu

say() { echo "postgresql-client.sh: $*"; }

# One copy, so that user and password come from the same version of the file.
visit() {
  (umask 077 && cat /vault/secrets/pgpass > /tmp/pgpass)
  user=$(cut -d: -f4 /tmp/pgpass)
  PGPASSFILE=/tmp/pgpass PGCONNECT_TIMEOUT=5 psql --no-psqlrc --quiet --no-password --no-align --tuples-only --username="$user" \
    --command='INSERT INTO visits DEFAULT VALUES RETURNING who' 2>&1
}

trap 'exit 0' TERM
while :; do
  if answer=$(visit); then
    say "logged in as $answer"
    touch /tmp/works
  else
    say "failed: $answer"
    rm -f /tmp/works
  fi
  rm -f /tmp/pgpass
  sleep 5 &
  wait $! || true
done
