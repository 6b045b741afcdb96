#!/bin/sh
# Patroni calls this when the server has started or has another role: the main process looks at once what is to be done.
kill -HUP "$(cat /run/postgresql/main.pid)"
