# What the scripts of Redis, of Sentinel and of the demo's Redis share; sourced.
# Passwords go through pipes, never through arguments or environment.
secrets=/vault/secrets
run=/run/redis
applied=$run/applied
socket=$run/server.sock
addresses=$run/addresses

say() { echo "${0##*/}: $*"; }

# Seconds, from a clock that nobody sets.
now() {
  read -r uptime _ < /proc/uptime
  echo "${uptime%%.*}"
}

# Files of one generation, from the directory behind the links.
copy_secrets() {
  rm -rf "$1"
  mkdir -p "$1"
  cp "$(readlink -f "$secrets/..data")"/* "$1/"
}

# "ADDRESS POD" of every Redis and Sentinel: the addresses of their Services, which stay while pods come and go. Looked up
# once, for Redis and Sentinel wait for an answer from DNS with everything else at a standstill.
find_addresses() {
  domain=$(awk '$1 == "search" { print $2; exit }' /etc/resolv.conf)
  tries=0
  while [ "$ending" = 0 ]; do
    for pod in $PODS; do
      printf '%s %s\n' "$(nslookup "$pod.$domain." 2> /dev/null | awk '/^Name:/ { found = 1 } found && /^Address/ { print $NF; exit }')" "$pod"
    done > "$addresses.next"
    if ! grep -q '^ ' "$addresses.next"; then
      mv "$addresses.next" "$addresses"
      return
    fi
    # DNS may be what is down: those of the container before are as good.
    [ "$tries" -lt 10 ] || [ ! -s "$addresses" ] || return 0
    [ $((tries % 10)) != 9 ] || say "no address of $(sed -n 's/^ //p' "$addresses.next" | tr '\n' ' ')"
    tries=$((tries + 1))
    pause
  done
}

address() { awk -v pod="$1" '$2 == pod { print $1 }' "$addresses"; }

is_current() {
  for file in "$applied"/*; do
    cmp -s "$secrets/${file##*/}" "$file" || return 1
  done
}

# Everything that either server needs to speak TLS and to know its users.
common_configuration() {
  cat << CONF
port 0
tls-port $1
tls-cert-file $applied/tls.pem
tls-key-file $applied/tls.pem
tls-ca-cert-file $applied/ca.pem
tls-auth-clients no
tls-replication yes
unixsocket $socket
unixsocketperm 700
aclfile $applied/users.acl
CONF
}

# ask GROUP: "GROUP EPOCH POD REPLICAS" for each Sentinel that answers; POD is the master as it knows it.
ask() {
  awk '$2 ~ /^redis-sentinel-/ { print $1 }' "$addresses" | {
    while read -r sentinel; do
      printf 'AUTH health any\nSENTINEL MASTER group-%s\n' "$1" |
        timeout 2 /usr/bin/redis-cli -h "$sentinel" -p 26379 --tls --cacert "$applied/ca.pem" 2> /dev/null | masters &
    done
    wait
  }
}

# Answers to SENTINEL MASTER or MASTERS, keys and values by turns after the OK of the login, as lines like those of ask.
masters() {
  awk 'FNR == NR { pod[$1] = $2; next }
    $0 == "OK" && FNR == 1 { next }
    FNR % 2 == 0 { key = $0; next }
    { value[key] = $0 }
    key == "parallel-syncs" && value["ip"] in pod { print value["name"], value["config-epoch"] + 0, pod[value["ip"]], value["num-slaves"] + 0 }' "$addresses" -
}

# "ANSWERS GROUP EPOCH POD REPLICAS": how many lines there were, and the one of the highest epoch. A Sentinel gets an epoch
# from a majority, so the highest one is the truth whoever tells it.
best() { sort -k2,2n -k4,4n | awk '{ last = $0 } END { print NR, last }'; }

# Commands on standard input, as the administrator; each must be answered with OK.
administer() {
  answers=$({ printf 'AUTH admin %s\n' "$(cat "$applied/admin")"; cat; } | timeout 10 /usr/bin/redis-cli -s "$socket") || return 1
  [ -z "$(printf '%s\n' "$answers" | grep -v '^OK$')" ]
}

# Commands that need no password, such as INFO and SENTINEL MASTER.
look() { { echo 'AUTH health any'; cat; } | timeout 5 /usr/bin/redis-cli -s "$socket"; }

# USER HASH for each password of a file.
verifiers() { awk '$1 == "user" { for (i = 3; i <= NF; i++) if ($i ~ /^#/) print $2, substr($i, 2) }' "$1"; }

# Takes away what one version had and the present one has not.
forget() {
  verifiers "$1/users.acl" > "$1/old"
  verifiers "$applied/users.acl" > "$1/now"
  while read -r user hash; do
    grep -qx "$user $hash" "$1/now" || printf 'ACL SETUSER %s !%s\n' "$user" "$hash"
  done < "$1/old" > "$1/commands"
  [ ! -s "$1/commands" ] || { administer < "$1/commands" && say "replaced passwords are refused now" || say "replaced passwords could not be taken away"; }
  rm -rf "$1"
}

# Brings in what the agent wrote anew. Users are completed, nothing is reset and nobody is disconnected (ACL LOAD would
# drop every client); passwords that are gone are taken for GRACE seconds more. Then `changed OLD_DIRECTORY` of the
# script sees to the rest.
apply() {
  copy_secrets "$applied.next"
  if ! sed -n 's/^user /ACL SETUSER /p' "$applied.next/users.acl" | administer; then
    say "the new users were not taken, trying again"
    return 1
  fi
  count=$((count + 1))
  replaced=$applied.$count
  mv "$applied" "$replaced"
  mv "$applied.next" "$applied"
  changed "$replaced" || say "not everything new was taken"
  say "what the agent wrote is in force"
  (trap - TERM INT; sleep "$GRACE"; forget "$replaced") &
}

differs() { ! cmp -s "$1/$2" "$applied/$2"; }

# Of a container that ended.
begin() {
  umask 077
  count=0
  ending=0
  told=0
  rm -rf "$applied" "$applied".* "$socket"
  copy_secrets "$applied"
  # The agent finds this shell by the script's name.
  trap 'told=1' HUP
  trap 'ending=1' TERM INT
}

# A second, or until a signal.
pause() {
  sleep 1 &
  wait $! || true
}

# Looks for news when the agent says that there are some, and from time to time.
look_for_news() {
  turns=$(((${turns:-0} + 1) % 15))
  [ "$told" = 1 ] || [ "$turns" = 0 ] || return 0
  told=0
  is_current || apply || told=1
}

# Until the server ends: news, and once a second what the caller has to do. TERM is handed on; a server that ends by itself
# is a failure.
attend() {
  while kill -0 "$server" 2> /dev/null; do
    if [ "$ending" = 1 ]; then
      ending=2
      kill -TERM "$server"
    elif [ "$ending" = 0 ] && [ -S "$socket" ]; then
      look_for_news
      "$@"
    fi
    pause
  done
  [ "$ending" != 0 ] || { say "the server has ended"; exit 1; }
}
