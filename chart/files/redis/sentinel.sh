#!/bin/sh
# Main process of a Sentinel pod. Starts Sentinel with what the other Sentinels know, or with what was last recorded, and
# says what it sees to the container beside it, which records it.
set -eu
# shellcheck source=lib.sh
. /scripts/lib.sh
configuration=$run/sentinel.conf

# "EPOCH POD" of a group: what others and the record know, the younger one; the first pod of a new group.
known() {
  {
    echo "group-$1 0 redis-master-$1 0"
    [ ! -f "$run/record/recorded" ] || awk -v group="group-$1" '$1 == group { print $1, $2, $3, 0 }' "$run/record/recorded"
    ask "$1"
  } | best | cut -d' ' -f3,4
}

# Nobody may begin with a guess while there may be a record: it would lead to the older data.
find_record() {
  tries=0
  until [ -f "$run/record/recorded" ] || [ "$ending" != 0 ]; do
    [ -z "$(ask 0)" ] || return 0
    [ $((tries % 10)) != 9 ] || say "waiting for the record of masters, or for another Sentinel"
    tries=$((tries + 1))
    pause
  done
}

# On tmpfs and made anew at every start: Sentinel rewrites it all the time, with passwords in clear. The name of the pod
# makes the id, so that a Sentinel that comes back takes its old place.
write_configuration() {
  {
    common_configuration 26379
    cat << CONF
dir $run
sentinel myid $(printf %s "$POD_NAME" | sha1sum | cut -c1-40)
sentinel announce-ip $(address "$POD_NAME")
sentinel announce-port 26379
sentinel sentinel-user peers
sentinel sentinel-pass $(cat "$applied/peers")
CONF
    highest=0
    group=0
    while [ "$group" -lt "$REDIS_GROUPS" ]; do
      # shellcheck disable=SC2046 # words are meant
      set -- $(known "$group")
      [ "$1" -le "$highest" ] || highest=$1
      cat << CONF
sentinel monitor group-$group $(address "$2") 6379 $QUORUM
sentinel auth-user group-$group sentinel
sentinel auth-pass group-$group $(cat "$applied/sentinel")
sentinel down-after-milliseconds group-$group $DOWN_AFTER
sentinel failover-timeout group-$group $FAILOVER_TIMEOUT
sentinel config-epoch group-$group $1
CONF
      say "group $group, master $2" >&2
      group=$((group + 1))
    done
    echo "sentinel current-epoch $highest"
  } > "$configuration"
}

changed() {
  group=0 result=0
  while differs "$1" sentinel && [ "$group" -lt "$REDIS_GROUPS" ]; do
    printf 'SENTINEL SET group-%s auth-pass %s\n' "$group" "$(cat "$applied/sentinel")" | administer || result=1
    group=$((group + 1))
  done
  if differs "$1" peers; then
    printf 'SENTINEL CONFIG SET sentinel-pass %s\n' "$(cat "$applied/peers")" | administer || result=1
  fi
  if differs "$1" tls.pem || differs "$1" ca.pem; then
    # Sentinel cannot read a certificate anew. It has written all it knows into its file.
    say "a new certificate: starting Sentinel again"
    kill -TERM "$server"
    wait "$server" || true
    start
  fi
  return $result
}

start() {
  redis-sentinel "$configuration" &
  server=$!
}

# "GROUP EPOCH POD" a line, when it is not what was said before.
tell() {
  echo 'SENTINEL MASTERS' | look | masters | cut -d' ' -f1-3 | sort > "$run/record/seen.next"
  cmp -s "$run/record/seen.next" "$run/record/seen" || mv "$run/record/seen.next" "$run/record/seen"
}

begin
find_addresses
find_record
[ "$ending" = 0 ] || exit 0
write_configuration
start
attend tell
