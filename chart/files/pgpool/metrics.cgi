#!/bin/sh
# What Prometheus can be told of a PgPool without logging in: each of its children serves one client, and its title says
# whether it does. The limit is that of the configuration, for children go while PgPool drains.
clients=0
for process in $(pidof pgpool); do
  # It may have ended meanwhile.
  { IFS= read -r title < "/proc/$process/cmdline"; } 2> /dev/null || true
  case $title in
    'pgpool: wait for '* | 'pgpool: PCP: '* | 'pgpool: worker process'* | 'pgpool: health check process'*) ;;
    'pgpool: '*) clients=$((clients + 1)) ;;
  esac
  title=
done
draining=0
[ ! -e /run/pgpool/draining ] || draining=1
printf 'Status: 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n'
cat << TEXT
# HELP blinkchamber_pgpool_clients Clients that are being served
# TYPE blinkchamber_pgpool_clients gauge
blinkchamber_pgpool_clients $clients
# HELP blinkchamber_pgpool_max_clients Clients that can be served at once
# TYPE blinkchamber_pgpool_max_clients gauge
blinkchamber_pgpool_max_clients $(sed -n 's/^num_init_children = //p' /config/pgpool.conf)
# HELP blinkchamber_pgpool_draining Whether it lets its clients finish and takes no new ones
# TYPE blinkchamber_pgpool_draining gauge
blinkchamber_pgpool_draining $draining
TEXT
