#!/bin/sh
# Main process of a PostgreSQL container. Starts Patroni, which runs the server, and brings what the agent wrote to both:
# Patroni is told to read its file again, and the member that is the primary gives every role the password that OpenBao
# holds. Open sessions notice nothing.
set -eu
secrets=/vault/secrets
run=/run/postgresql
applied=$run/applied

say() { echo "postgresql.sh: $*"; }

# As the superuser over the socket: who may use it is a matter of the pod's own user, not of a password.
local_psql() { psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --host="$run" --username=postgres --dbname=postgres "$@"; }

# The timeline that this member writes; nothing on a standby. A new primary begins a new one, so what it has to do
# again shows by itself, whoever was primary before.
timeline() {
  local_psql --command="SELECT CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END" 2> /dev/null || true
}

# Patroni reads its own file again, and has the server read its certificate again.
tell_patroni() {
  told=$generation
  kill -HUP "$patroni" 2> /dev/null || true
}

set_roles() {
  if local_psql --file="$secrets/roles.sql" > /dev/null; then
    echo "$generation $line" > "$applied"
    say "roles have the passwords that OpenBao holds"
  else
    say "the roles could not be set, trying again"
    sleep 2
  fi
}

# What the chart says of the cluster as a whole. Patroni's own first start is the only one that takes it from its file.
set_cluster() {
  if patronictl --config-file "$secrets/patroni.yml" edit-config --quiet --force --apply /scripts/cluster.yml postgresql > /dev/null; then
    configured=$line
  else
    say "the cluster's settings could not be written, trying again"
    sleep 2
  fi
}

# A restore that was asked for (ConfigMap postgresql-restore) and has not been made: this member begins empty, and Patroni
# takes the data from the backup instead of making a new cluster. Written down once the server runs.
wanted=$(cat /restore/id 2> /dev/null || true)
restored=/data/restored
is_restored() { [ -z "$wanted" ] || [ "$(cat "$restored" 2> /dev/null)" = "$wanted" ]; }
prepare_restore() {
  say "restore $wanted: leaving the data of before"
  rm -rf /data/pgdata
  printf 'bootstrap:\n  method: restore\n  restore: {command: /bin/sh /scripts/restore.sh, keep_existing_recovery_conf: true, no_params: true}\n' \
    > "$run/patroni.d/restore.yml"
}

# Children must not die of a signal that is meant for this shell: the agent finds it by the script's name.
trap '' HUP
umask 077
rm -f "$applied"
echo $$ > "$run/main.pid"
generation=$(readlink "$secrets/..data")
told=$generation configured="" line=""
mkdir -p "$run/patroni.d"
ln -sfn "$secrets/patroni.yml" "$run/patroni.d/patroni.yml"
is_restored || prepare_restore
patroni "$run/patroni.d" &
patroni=$!
# Time passes while nobody sends a signal: look again.
(while sleep 5; do kill -HUP $$; done) &

ending=0
trap 'ending=1' TERM INT
while kill -0 "$patroni" 2> /dev/null; do
  trap '' HUP
  generation=$(readlink "$secrets/..data")
  if [ "$ending" = 1 ]; then
    ending=2
    kill -TERM "$patroni"
  elif [ "$ending" = 0 ]; then
    [ "$told" = "$generation" ] || tell_patroni
    is_restored || ! pg_isready --quiet --host="$run" || echo "$wanted" > "$restored"
    line=$(timeline)
    if [ -n "$line" ]; then
      [ "$(cat "$applied" 2> /dev/null)" = "$generation $line" ] || set_roles
      [ "$configured" = "$line" ] || set_cluster
    fi
  fi
  trap ':' HUP
  # A signal ends the wait, not Patroni.
  [ "$ending" = 1 ] || wait "$patroni" || true
done
say "Patroni has ended"
