#!/bin/sh
# Main process of the Redis container. Starts the server with the users that the agent wrote, and when the agent says
# (HUP) that they changed, adds the new passwords and, after a time of grace, takes the old ones away. Nobody is
# disconnected: not by new rules, not by old passwords.
set -eu
# shellcheck source=../redis/lib.sh
. /scripts/lib.sh

# Beside the users there is nothing that could change.
changed() { :; }

begin
# On tmpfs and made anew at every start: Redis may rewrite it.
cat > "$run/redis.conf" << CONF
port 6379
unixsocket $socket
unixsocketperm 700
dir /data
appendonly yes
aclfile $applied/users.acl
CONF
redis-server "$run/redis.conf" &
server=$!
attend true
