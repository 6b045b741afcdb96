#!/bin/sh
# Main process of a Redis pod. Asks the Sentinels whom to follow, starts the server, brings in new passwords and
# certificates without disconnecting anybody, and lets a master take writes only while it can be the master.
set -eu
# shellcheck source=lib.sh
. /scripts/lib.sh
group=${POD_NAME##*-}
me=$POD_NAME

# Sets $master. A master that comes back must not serve before the Sentinels have replaced it: it would be told that it
# is still the master, and what it took would be lost a moment later. So it waits while they know a replica.
find_master() {
  master=redis-master-$group
  [ "$SENTINELS" -gt 0 ] || return 0
  tries=0
  while [ "$ending" = 0 ]; do
    # shellcheck disable=SC2046 # words are meant
    set -- $(ask "$group" | best)
    if [ "$1" -gt 0 ]; then
      master=$4
      [ "$master" = "$me" ] && [ "$5" -gt 0 ] && [ "$tries" -lt 10 ] || return 0
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
replica-announce-ip $(address "$me")
replica-announce-port 6379
repl-diskless-sync-delay 0
min-replicas-max-lag 3
min-replicas-to-write $closed
CONF
  [ "$master" = "$me" ] || echo "replicaof $(address "$master") 6379"
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
# MIN_REPLICAS=0, while a majority of the Sentinels said in the last 4 s that it is the master. Cut off from both it refuses
# them: another may have been made master, and what it took would be lost.
guard() {
  [ "$SENTINELS" -gt 0 ] || return 0
  case $(echo 'INFO replication' | look) in
    *role:slave*) confirmed=$(now) elsewhere=0 ;;
    *role:master*) [ $(($(now) - asked)) -lt 2 ] || confirm ;;
    *) return 0 ;;
  esac
  if [ "$MIN_REPLICAS" = 0 ] && [ $(($(now) - confirmed)) -le 4 ]; then wanted=0; else wanted=$closed; fi
  [ "$wanted" = "$set" ] || { echo "CONFIG SET min-replicas-to-write $wanted" | administer && set=$wanted; } || true
}

# Asks the Sentinels whether this is the master.
confirm() {
  asked=$(now)
  # shellcheck disable=SC2046 # words are meant
  set -- $(ask "$group" | best)
  if [ "$1" -lt "$QUORUM" ]; then
    elsewhere=0
  elif [ "$4" = "$me" ]; then
    confirmed=$asked elsewhere=0
  else
    elsewhere=$((elsewhere + 1))
  fi
  # A Sentinel would say so too, some ten seconds later.
  if [ "$elsewhere" -ge 3 ]; then
    say "another is the master: following $4"
    echo "REPLICAOF $(address "$4") 6379" | administer || true
    elsewhere=0
  fi
}

begin
find_addresses
# Without Sentinels there is nobody who could make another pod the master.
if [ "$SENTINELS" -gt 0 ] || [ "$MIN_REPLICAS" -gt 0 ]; then closed=1; else closed=0; fi
set=$closed confirmed=-10 asked=-10 elsewhere=0
find_master
[ "$ending" = 0 ] || exit 0
say "group $group, master $master"
configuration > "$run/redis.conf"
redis-server "$run/redis.conf" &
server=$!
attend guard
