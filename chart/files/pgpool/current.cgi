#!/bin/sh
# 200 when PgPool serves with the certificate that the agent wrote.
if cmp -s /vault/secrets/tls.crt /run/pgpool/tls.crt && sh /config/ready.sh > /dev/null 2>&1; then
  printf 'Status: 200 OK\r\nContent-Type: text/plain\r\n\r\ncurrent\n'
else
  printf 'Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nnot yet\n'
fi
