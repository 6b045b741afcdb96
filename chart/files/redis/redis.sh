#!/bin/sh
# Main process of a Redis pod. Asks the Sentinels whom to follow, starts the server, brings in new passwords and
# certificates without disconnecting anybody, and lets a master take writes only while it can be the master.
set -eu
# shellcheck source=lib.sh
. /scripts/lib.sh
group=${HOSTNAME##*-}
me=$HOSTNAME.$DOMAIN
first=redis-master-$group.$DOMAIN

# Sets $master. A master that comes back must not serve before the Sentinels have replaced it: it would be told that it
# is still the master, and what it took would be lost a moment later. So it waits while they know a replica.
find_master() {
  master=$first
  [ "$SENTINELS" -gt 0 ] || return 0
  tries=0
  while [ "$ending" = 0 ]; do
    # shellcheck disable=SC2046 # words are meant
    set -- $(ask "$group" | best)
    if [ "$1" -gt 0 ]; then
      master=$3
      [ "$master" = "$me" ] && [ "$4" -gt 0 ] && [ "$tries" -lt 10 ] || return 0
    elif [ "$tries" -ge 30 ]; then
      # Better a group than none: as it was last recorded.
      if [ -s "/topology/group-$group" ]; then read -r _ master < "/topology/group-$group"; fi
      say "no Sentinel answers"
      return 0
    fi
    tries=$((tries + 1))
    pause
  done
}

# On tmpfs and made anew at every start: a failover makes Redis rewrite it, with the password of its master in clear.
configuration() {
  common_configuration 6379
  cat /scripts/redis.conf
  cat << CONF
dir /data
masteruser replica
masterauth $(cat "$applied/replica")
replica-announce-ip $me
replica-announce-port 6379
repl-diskless-sync-delay 0
min-replicas-max-lag 3
min-replicas-to-write $closed
CONF
  [ "$master" = "$me" ] || echo "replicaof $master 6379"
}

changed() {
  result=0
  if differs "$1" replica; then
    printf 'CONFIG SET masterauth %s\n' "$(cat "$applied/replica")" | administer || result=1
  fi
  if differs "$1" tls.pem || differs "$1" ca.pem; then
    echo "CONFIG SET tls-cert-file $applied/tls.pem tls-key-file $applied/tls.pem tls-ca-cert-file $applied/ca.pem" | administer || result=1
  fi
  return $result
}

# A master takes writes while a replica that keeps up is there (min-replicas-to-write 1, the server's own rule) or, with
# `MIN_REPLICAS=0`, while a majority of the Sentinels says within 3 s that it is the master. Cut off from both it refuses
# them: another may have been made master, and what it took would be lost.
guard() {
  [ "$SENTINELS" -gt 0 ] || return 0
  case $(echo 'INFO replication' | look | tr -d '\r') in
    *role:slave*) confirmed=$(now) elsewhere=0 ;;
    *role:master*)
      # shellcheck disable=SC2046 # words are meant
      set -- $(ask "$group" | best)
      if [ "$1" -lt "$QUORUM" ]; then
        elsewhere=0
      elif [ "$3" = "$me" ]; then
        confirmed=$(now) elsewhere=0
      else
        elsewhere=$((elsewhere + 1))
      fi
      # Sentinel would say so too, some ten seconds later.
      if [ "$elsewhere" -ge 5 ]; then
        say "another is the master: following $3"
        echo "REPLICAOF $3 6379" | administer || true
        elsewhere=0
      fi
      ;;
    *) return 0 ;;
  esac
  if [ "$MIN_REPLICAS" = 0 ] && [ $(($(now) - confirmed)) -le 3 ]; then wanted=0; else wanted=$closed; fi
  [ "$wanted" = "$set" ] || { echo "CONFIG SET min-replicas-to-write $wanted" | administer && set=$wanted; } || true
}

begin
# Without Sentinels there is nobody who could make another pod the master.
if [ "$SENTINELS" -gt 0 ] || [ "$MIN_REPLICAS" -gt 0 ]; then closed=1; else closed=0; fi
set=$closed confirmed=-10 elsewhere=0
find_master
[ "$ending" = 0 ] || exit 0
say "group $group, master $master"
configuration > "$run/redis.conf"
redis-server "$run/redis.conf" &
server=$!
while kill -0 "$server" 2> /dev/null; do
  if [ "$ending" = 1 ]; then
    ending=2
    kill -TERM "$server"
  elif [ "$ending" = 0 ] && [ -S "$socket" ]; then
    is_current || apply || true
    guard
  fi
  pause
done
[ "$ending" != 0 ] || { say "the server has ended"; exit 1; }
