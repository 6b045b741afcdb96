#!/bin/sh
# Main process of the PostgreSQL container. Makes the database cluster once, starts the server, and tells it the
# superuser's new password when the agent says (HUP) that it changed. Open sessions notice nothing.
set -eu
secrets=/vault/secrets
data=/data/pgdata
socket=/run/postgresql
applied=/run/postgresql/applied.sql

say() { echo "postgresql.sh: $*"; }

# As the superuser over the socket: who may use it is a matter of the pod's own user, not of a password.
local_psql() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --host="$socket" --username=postgres --dbname=postgres "$@"; }

# Under another name until it is complete, so that a first start that broke off begins anew.
make_cluster() {
  say "first start: making the database cluster"
  rm -rf "$data.new"
  initdb --pgdata="$data.new" --username=postgres --pwfile="$secrets/superuser" --encoding=UTF8 --locale=C.UTF-8 \
    --data-checksums --auth-local=peer --auth-host=scram-sha-256 > /dev/null
  printf 'local all all peer map=pod\nhost all all all scram-sha-256\n' > "$data.new/pg_hba.conf"
  printf 'pod app postgres\n' > "$data.new/pg_ident.conf"
  # Not open to anybody yet; a statement that fails is not logged with its password.
  pg_ctl --pgdata="$data.new" --wait --silent --log=/dev/null start \
    --options="-c listen_addresses= -c unix_socket_directories=$socket -c log_min_error_statement=panic"
  local_psql --file="$secrets/vaultadmin.sql"
  local_psql --file=/scripts/postgresql.sql
  pg_ctl --pgdata="$data.new" --wait --silent --mode=fast stop
  mv "$data.new" "$data"
}

# The statements last run; also run at every start, for the password may have changed while nobody was there to be told.
is_current() { cmp -s "$secrets/superuser.sql" "$applied"; }
set_password() {
  cp -L "$secrets/superuser.sql" "$applied.next"
  if local_psql --file="$applied.next"; then
    mv "$applied.next" "$applied"
    say "the superuser has the password that OpenBao holds"
  else
    say "the superuser's password could not be set, trying again"
    sleep 2
  fi
}

# Children must not die of a signal that is meant for this shell: the agent finds it by the script's name.
trap '' HUP
umask 077
rm -f "$applied"
[ -s "$data/PG_VERSION" ] || make_cluster

postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories="$socket" -c shared_buffers=32MB &
server=$!
until pg_isready --quiet --host="$socket" --username=postgres; do
  kill -0 "$server" || exit 1
  sleep 0.2
done
# A signal that comes just before the wait would be lost: look again from time to time.
(while sleep 15; do kill -HUP $$; done) &

ending=0
trap 'ending=1' TERM INT
while kill -0 "$server" 2> /dev/null; do
  if [ "$ending" = 1 ]; then
    ending=0
    kill -INT "$server"
  elif ! is_current; then
    trap '' HUP
    set_password
  fi
  trap ':' HUP
  # A signal ends the wait, not the server.
  ! is_current || [ "$ending" = 1 ] || wait "$server" || true
done
say "the server has ended"
