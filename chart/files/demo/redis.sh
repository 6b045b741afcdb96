#!/bin/sh
# Main process of the Redis container. Starts the server with the users that the agent wrote, and when the agent says
# (HUP) that they changed, adds the new passwords and, after a time of grace, takes the old ones away. Nobody is
# disconnected: not by new rules, not by old passwords. (ACL LOAD would drop every client.)
set -eu
secrets=/vault/secrets
applied=/run/redis/applied
socket=/run/redis/redis.sock
grace=${GRACE:-60}

say() { echo "redis.sh: $*"; }

# Files of one generation, from the directory behind the links.
copy_secrets() {
  generation=$(dirname "$(readlink -f "$secrets/users.acl")")
  rm -rf "$1"
  mkdir -p "$1"
  cp "$generation/users.acl" "$generation/admin" "$1/"
}

# Commands on standard input, as the administrator. Passwords go through pipes, never through arguments or environment.
administer() {
  answers=$({ printf 'AUTH admin %s\n' "$(cat "$applied/admin")"; cat; } | timeout 10 redis-cli -s "$socket") || return 1
  # Each command is answered with OK.
  [ -z "$(printf '%s\n' "$answers" | grep -v '^OK$')" ]
}

# USER HASH for each password of a file.
verifiers() { awk '$1 == "user" { for (i = 3; i <= NF; i++) if ($i ~ /^#/) print $2, substr($i, 2) }' "$1"; }

# Takes away what one version had and the next has not.
forget() {
  verifiers "$1/users.acl" > "$1/old"
  verifiers "$applied/users.acl" > "$1/now"
  while read -r user hash; do
    grep -qx "$user $hash" "$1/now" || printf 'ACL SETUSER %s !%s\n' "$user" "$hash"
  done < "$1/old" > "$1/commands"
  administer < "$1/commands" && say "replaced passwords are refused now" || say "replaced passwords could not be taken away"
  rm -rf "$1"
}

# Adds the new version to what holds; users and rules that it names are completed, nothing is reset.
apply() {
  copy_secrets "$applied.next"
  if ! sed -n 's/^user /ACL SETUSER /p' "$applied.next/users.acl" | administer; then
    say "the new passwords were not taken, trying again"
    return 1
  fi
  count=$((count + 1))
  replaced="$applied.$count"
  mv "$applied" "$replaced"
  mv "$applied.next" "$applied"
  say "new passwords are taken; replaced ones for ${grace} s more"
  (trap - TERM INT; sleep "$grace"; forget "$replaced") &
}

# Children must not die of a signal that is meant for this shell: the agent finds it by the script's name.
trap '' HUP
umask 077
rm -rf "$applied".* # of a container that ended
copy_secrets "$applied"
# On tmpfs and made anew at every start: Redis may rewrite it.
cat > /run/redis/redis.conf << CONF
port 6379
unixsocket $socket
unixsocketperm 700
dir /data
appendonly yes
aclfile $applied/users.acl
CONF
redis-server /run/redis/redis.conf &
server=$!

# A signal that comes just before the wait would be lost: look again from time to time.
(while sleep 15; do kill -HUP $$; done) &

is_current() { cmp -s "$secrets/users.acl" "$applied/users.acl"; }
count=0 ending=0
trap 'ending=1' TERM INT
while kill -0 "$server" 2> /dev/null; do
  if [ "$ending" = 1 ]; then
    ending=0
    kill -TERM "$server"
  elif ! is_current; then
    trap '' HUP
    apply || sleep 2
  fi
  trap ':' HUP
  # A signal ends the wait, not the server.
  ! is_current || [ "$ending" = 1 ] || wait "$server" || true
done
say "the server has ended"
