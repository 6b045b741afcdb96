{{- /* Namespace of PostgreSQL, PgPool and Redis. */ -}}
{{- define "blinkchamber.databaseNamespace" -}}
database
{{- end }}

{{- /* Annotations for a certificate of our authority: three files of one generation. Members of a StatefulSet put their own
name first. Arguments: dict "role" PKI role, "name" what the common name is made by, "names" further names, "processes" who are told. */ -}}
{{- define "blinkchamber.postgresql.certificate" -}}
{{- $call := printf `pkiCert "pki/issue/%s" %s "alt_names=%s" "ttl=%s"` .role .name (join "," .names) .ttl -}}
{{- range $file, $field := dict "tls.crt" "Cert" "tls.key" "Key" "ca.crt" "CA" }}
vault.hashicorp.com/agent-inject-template-{{ $file }}: |-
  {{ printf "{{- with %s }}{{ .%s }}{{ end -}}" $call $field }}
blinkchamber.io/agent-reload-{{ $file }}: signal:HUP:{{ join ",signal:HUP:" $.processes }}
{{- end }}
{{- end }}

{{- /* Where applications find PostgreSQL: ours through PgPool, or the one that the values name. */ -}}
{{- define "blinkchamber.postgresql.host" -}}
{{- $values := index .Values "postgresql-ha" -}}
{{- if $values.enabled -}}
postgresql-ha-postgresql.{{ include "blinkchamber.databaseNamespace" . }}.svc
{{- else -}}
{{ $values.external.host }}
{{- end -}}
{{- end }}

{{- define "blinkchamber.postgresql.port" -}}
{{- $values := index .Values "postgresql-ha" -}}
{{- if $values.enabled }}5432{{ else }}{{ $values.external.port }}{{ end -}}
{{- end }}

{{- /* What this component asks of OpenBao beside its compiled policies. */ -}}
{{- define "blinkchamber.postgresql.secrets" -}}
- path: secret/data/postgres
  keys: {superuser: {length: 40}, replication: {length: 40}, rewind: {length: 40}, restapi: {length: 40}, vaultadmin: {length: 40}}
- path: secret/data/pgpool
  keys: {health: {length: 40}}
{{- range (index .Values "postgresql-ha").postgresql.applications }}
- path: {{ .secret }}
  keys: {a: {length: 40}, b: {length: 40}, username: {text: {{ .name }}_a}, password: {sameAs: a}}
{{- end }}
{{- end }}

{{- /* Servers' own users change in place; users of applications take turns. */ -}}
{{- define "blinkchamber.postgresql.rotations" -}}
{{- range list "superuser" "replication" "rewind" "restapi" }}
- {name: postgresql-{{ . }}, path: secret/data/postgres, inPlace: {key: {{ . }}}}
{{- end }}
- {name: pgpool-health, path: secret/data/pgpool, inPlace: {key: health}}
{{- range (index .Values "postgresql-ha").postgresql.applications }}
- {name: {{ .name }}-database, path: {{ .secret }}, twins: {users: [{key: a, username: {{ .name }}_a}, {key: b, username: {{ .name }}_b}]}}
{{- end }}
{{- end }}

{{- define "blinkchamber.postgresql.pkiRoles" -}}
{{- $values := index .Values "postgresql-ha" -}}
{{- $namespace := include "blinkchamber.databaseNamespace" . -}}
- name: postgresql
  allowedDomains:
    {{- range list "postgresql-primary" "postgresql-replicas" "postgresql-pods" "postgresql-backup" }}
    - {{ . }}.{{ $namespace }}.svc
    - {{ . }}.{{ $namespace }}.svc.cluster.local
    {{- end }}
  # Members and the backup's server know each other by it.
  client: true
  maxTtl: {{ $values.certificates.ttl }}
- name: pgpool
  allowedDomains: [postgresql-ha-postgresql.{{ $namespace }}.svc, postgresql-ha-postgresql.{{ $namespace }}.svc.cluster.local]
  maxTtl: {{ $values.pgpool.certificate.ttl }}
{{- end }}

{{- /* Users that OpenBao makes own nothing: what they create belongs to the application's own role. */ -}}
{{- define "blinkchamber.postgresql.databases" -}}
{{- $values := index .Values "postgresql-ha" -}}
- mount: database
  connections:
    - name: postgresql
      plugin: postgresql-database-plugin
      url: {{`postgresql://{{username}}:{{password}}`}}@{{ include "blinkchamber.postgresql.host" . }}:5432/postgres?sslmode=require&connect_timeout=5
      username: vaultadmin
      firstPassword: {path: secret/data/postgres, key: vaultadmin}
      roles:
        {{- range $values.postgresql.applications }}
        - name: {{ .name }}
          creation:
            - {{ printf `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE %s` .name | quote }}
            - {{ printf `ALTER ROLE "{{name}}" SET role TO %s` .name | quote }}
          revocation:
            - {{ `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'` | quote }}
            - {{ `DROP ROLE IF EXISTS "{{name}}"` | quote }}
          defaultTtl: {{ $values.credentials.defaultTtl | quote }}
          maxTtl: {{ $values.credentials.maxTtl | quote }}
        {{- end }}
{{- end }}

{{- /* What all members have in common; Patroni keeps it in the cluster and the primary writes it there. */ -}}
{{- define "blinkchamber.postgresql.cluster" -}}
{{- $values := (index .Values "postgresql-ha").postgresql -}}
ttl: {{ $values.failover.ttl }}
loop_wait: {{ $values.failover.loopWait }}
retry_timeout: {{ $values.failover.retryTimeout }}
maximum_lag_on_failover: {{ $values.failover.maximumLagBytes | int64 }}
# A primary that cannot reach the API server goes on as long as all the others say that they see it.
failsafe_mode: true
synchronous_mode: {{ $values.synchronous }}
postgresql:
  use_pg_rewind: true
  use_slots: true
  parameters:
    max_connections: {{ $values.maxConnections }}
    wal_keep_size: {{ $values.walKeepSize }}
    # A standby that is away for long must not fill the primary's volume.
    max_slot_wal_keep_size: {{ $values.walKeepSizeOfSlots }}
    wal_log_hints: "on"
    password_encryption: scram-sha-256
    {{- if (index .Values "postgresql-ha").backup.enabled }}
    archive_mode: "on"
    archive_command: pgbackrest --stanza=main archive-push %p
    # Nothing older than this is lost with all volumes of the members.
    archive_timeout: {{ (index .Values "postgresql-ha").backup.archiveTimeout }}
    {{- else }}
    archive_mode: "off"
    {{- end }}
{{- end }}

{{- /* Patroni's file, as a template of the agent. */ -}}
{{- define "blinkchamber.postgresql.patroni" -}}
{{- $values := (index .Values "postgresql-ha").postgresql -}}
{{`{{- with secret "secret/data/postgres" }}`}}
scope: postgresql
kubernetes:
  namespace: {{ include "blinkchamber.databaseNamespace" . }}
  labels: {{ include "blinkchamber.selector" "postgresql" | fromYaml | toJson }}
  scope_label: cluster-name
  role_label: role
  use_endpoints: false
restapi:
  listen: "*:8008"
  certfile: /vault/secrets/tls.crt
  keyfile: /vault/secrets/tls.key
  authentication: {username: patroni, password: {{`{{ .Data.data.restapi | toJSON }}`}}}
ctl: {cacert: /vault/secrets/ca.crt}
bootstrap:
  dcs:
    {{- include "blinkchamber.postgresql.cluster" . | nindent 4 }}
  initdb: [{encoding: UTF8}, {locale: C.UTF-8}, data-checksums]
postgresql:
  listen: "*:5432"
  data_dir: /data/pgdata
  bin_dir: /usr/lib/postgresql/15/bin
  pgpass: /run/postgresql/pgpass
  use_unix_socket: true
  use_unix_socket_repl: true
  # Else a new member waits for the primary's next checkpoint, minutes instead of seconds.
  basebackup: [{checkpoint: fast}]
  callbacks: {on_start: /bin/sh /scripts/callback.sh, on_role_change: /bin/sh /scripts/callback.sh}
  authentication:
    superuser: {username: postgres, password: {{`{{ .Data.data.superuser | toJSON }}`}}, sslmode: verify-full, sslrootcert: /vault/secrets/ca.crt}
    replication: {username: replicator, password: {{`{{ .Data.data.replication | toJSON }}`}}, sslmode: verify-full, sslrootcert: /vault/secrets/ca.crt}
    rewind: {username: rewinder, password: {{`{{ .Data.data.rewind | toJSON }}`}}, sslmode: verify-full, sslrootcert: /vault/secrets/ca.crt}
  parameters:
    unix_socket_directories: /run/postgresql
    ssl: "on"
    ssl_cert_file: /vault/secrets/tls.crt
    ssl_key_file: /vault/secrets/tls.key
    ssl_ca_file: /vault/secrets/ca.crt
    {{- range $name, $value := $values.parameters }}
    {{ $name }}: {{ $value | quote }}
    {{- end }}
  pg_hba:
    - local all all peer map=pod
    - local replication all peer map=pod
    - hostssl replication replicator all scram-sha-256
    - hostssl all all all scram-sha-256
  pg_ident: [pod app postgres, pod app replicator, pod app rewinder]
{{`{{- end }}`}}
{{- end }}

{{- /* Statements of the primary, run again after every change; none of them may say a password in the server's log. */ -}}
{{- define "blinkchamber.postgresql.roles" -}}
{{- $values := (index .Values "postgresql-ha").postgresql -}}
SET log_statement TO none;
SET log_min_error_statement TO panic;
SET log_min_duration_statement TO -1;
-- A standby that is away must not hold up a rotation.
SET synchronous_commit TO local;
{{`{{- with secret "secret/data/postgres" }}
ALTER ROLE postgres PASSWORD '{{ .Data.data.superuser | replaceAll "'" "''" }}';
ALTER ROLE replicator PASSWORD '{{ .Data.data.replication | replaceAll "'" "''" }}';
ALTER ROLE rewinder PASSWORD '{{ .Data.data.rewind | replaceAll "'" "''" }}';
-- Only its first password: afterwards nobody but OpenBao knows it.
SELECT $$CREATE ROLE vaultadmin LOGIN CREATEROLE PASSWORD '{{ .Data.data.vaultadmin | replaceAll "'" "''" }}'$$
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vaultadmin') \gexec
GRANT pg_signal_backend TO vaultadmin;
-- Its statements hold passwords, and one that fails would be logged.
ALTER ROLE vaultadmin SET log_statement TO none;
ALTER ROLE vaultadmin SET log_min_error_statement TO panic;
ALTER ROLE vaultadmin SET log_min_duration_statement TO -1;
{{- end }}
{{- with secret "secret/data/pgpool" }}
SELECT 'CREATE ROLE pgpool_health' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pgpool_health') \gexec
ALTER ROLE pgpool_health LOGIN CONNECTION LIMIT 10 PASSWORD '{{ .Data.data.health | replaceAll "'" "''" }}';
{{- end }}`}}
{{- range $values.applications }}
-- {{ .name }}: one owner, and two users of it by turns.
SELECT 'CREATE ROLE {{ .name }} NOLOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{{ .name }}') \gexec
GRANT {{ .name }} TO vaultadmin WITH ADMIN OPTION;
{{`{{- with secret "`}}{{ .secret }}{{`" }}`}}
{{- $application := .name }}
{{- range list "a" "b" }}
SELECT 'CREATE ROLE {{ $application }}_{{ . }} IN ROLE {{ $application }}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{{ $application }}_{{ . }}') \gexec
ALTER ROLE {{ $application }}_{{ . }} SET role TO {{ $application }};
ALTER ROLE {{ $application }}_{{ . }} LOGIN PASSWORD '{{`{{ .Data.data.`}}{{ . }}{{` | replaceAll "'" "''" }}`}}';
{{- end }}
{{`{{- end }}`}}
SELECT 'CREATE DATABASE {{ .name }} OWNER {{ .name }}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{{ .name }}') \gexec
REVOKE ALL ON DATABASE {{ .name }} FROM PUBLIC;
{{- end }}
{{- end }}
