#!/bin/sh
# Two clients in one: a session that is kept for ever, and a new one every few seconds with the password of the moment.
set -eu
password=/vault/secrets/password

say() { echo "redis-client.sh: $*"; }

# One session, logged in once; it goes on through every rotation. A drop would show: the next command is not logged in.
keep() {
  { printf 'AUTH app %s\n' "$(cat "$password")"; while sleep 5; do echo INCR demo:kept; done; } |
    redis-cli -h "$REDIS_HOST" | while read -r answer; do
    case $answer in
      OK | [0-9]*) ;;
      *) say "the kept session answers: $answer"; break ;;
    esac
  done
}

# Passwords go through pipes, never through arguments or environment.
visit() { printf 'AUTH app %s\nINCR demo:visits\n' "$1" | timeout 5 redis-cli -h "$REDIS_HOST" 2>&1 | grep -v '^OK$'; }

trap 'exit 0' TERM
(trap - TERM; while :; do keep || true; say "the kept session begins anew"; sleep 2; done) &
known=$(cat "$password")
while :; do
  now=$(cat "$password")
  answer=$(visit "$now" || true)
  case $answer in
    [0-9]*) known=$now ;;
    # The file may be a moment ahead of the server, which still takes the password before.
    *) answer=$(visit "$known" || true) ;;
  esac
  case $answer in
    [0-9]*)
      say "logged in as app, visit $answer"
      touch /tmp/works
      ;;
    *)
      say "failed: $answer"
      rm -f /tmp/works
      ;;
  esac
  sleep 5 &
  wait $! || true
done
