#!/bin/sh
# The way of every client, through PgPool to the primary and back; not while PgPool drains.
[ ! -e /run/pgpool/draining ] || exit 1
exec psql --no-psqlrc --no-password --host=127.0.0.1 --username=pgpool_health --dbname=postgres --tuples-only --command='SELECT 1'
