{{- define "blinkchamber.pgpool.configuration" -}}
{{- $values := (index .Values "postgresql-ha").pgpool -}}
listen_addresses = '*'
port = 5432
socket_dir = '/run/pgpool'
pcp_socket_dir = '/run/pgpool'
pid_file_name = '/run/pgpool/pgpool.pid'
logdir = '/run/pgpool'
backend_clustering_mode = 'streaming_replication'
# One address, which Patroni moves: nothing is to be found out here, and nobody is ever detached.
backend_hostname0 = 'postgresql-primary.{{ include "blinkchamber.databaseNamespace" . }}.svc.cluster.local'
backend_port0 = 5432
backend_weight0 = 1
backend_flag0 = 'ALWAYS_PRIMARY|DISALLOW_TO_FAILOVER'
load_balance_mode = off
failover_on_backend_error = off
sr_check_period = 0
health_check_period = 0
connect_timeout = 3000
# Clients say their password (pool_hba.conf), which PostgreSQL itself judges at every login: no password is kept here, and
# none has to be brought here when it changes. A session that is kept for the next client would not be judged again.
enable_pool_hba = on
pool_passwd = '/run/pgpool/pool_passwd'
connection_cache = off
# Room for cached answers is taken even when none are cached, and stays taken when PgPool is killed.
memory_cache_enabled = off
memqcache_total_size = '1MB'
memqcache_cache_block_size = '1MB'
memqcache_max_num_cache = 1000
ssl = on
ssl_cert = '/vault/secrets/tls.crt'
ssl_key = '/vault/secrets/tls.key'
ssl_ca_cert = '/vault/secrets/ca.crt'
num_init_children = {{ $values.maxClients }}
max_pool = 1
{{- end }}

{{- /* The first line that fits decides. Members use their own way to each other. */ -}}
{{- define "blinkchamber.pgpool.hba" -}}
{{- range list "0.0.0.0/0" "::/0" }}
hostssl all replicator,rewinder {{ . }} reject
hostssl all all {{ . }} password
{{- end }}
{{- end }}

{{- define "blinkchamber.pgpool.workload" -}}
{{- $values := (index .Values "postgresql-ha").pgpool -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: pgpool
  namespace: {{ include "blinkchamber.databaseNamespace" . }}
  labels: {{- include "blinkchamber.labels" (list . "pgpool") | nindent 4 }}
spec:
  replicas: {{ $values.replicaCount }}
  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  selector:
    matchLabels: {{- include "blinkchamber.selector" "pgpool" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "pgpool") | nindent 8 }}
      annotations:
        checksum/configuration: {{ include "blinkchamber.pgpool.configuration" . | cat (include "blinkchamber.pgpool.hba" .) ((.Files.Glob "files/pgpool/*").AsConfig) | sha256sum }}
        {{- include "blinkchamber.agentAnnotations" . | nindent 8 }}
        vault.hashicorp.com/role: pgpool-role
        vault.hashicorp.com/template-static-secret-render-interval: 2s
        # For the probe: the way of every client, from here to the primary and back.
        vault.hashicorp.com/agent-inject-secret-pgpass: secret/data/pgpool
        vault.hashicorp.com/agent-inject-template-pgpass: |
          {{`{{- with secret "secret/data/pgpool" }}*:*:*:pgpool_health:{{ .Data.data.health }}
          {{ end -}}`}}
        vault.hashicorp.com/agent-inject-perms-pgpass: "0400"
        vault.hashicorp.com/error-on-missing-key-pgpass: "true"
        # One of them at a time starts again with a new certificate; the Lease is held until it serves.
        blinkchamber.io/agent-reload-lease: pgpool-certificate
        blinkchamber.io/agent-reload-ready-url: http://127.0.0.1:9999/cgi-bin/current
        blinkchamber.io/agent-reload-ready-timeout: {{ add 120 $values.lingerSeconds $values.certificate.drainSeconds }}s
        {{- $namespace := include "blinkchamber.databaseNamespace" . }}
        {{- include "blinkchamber.postgresql.certificate" (dict "role" "pgpool" "processes" (list "pgpool.sh")
              "name" (printf `"common_name=postgresql-ha-postgresql.%s.svc"` $namespace)
              "names" (list (printf "postgresql-ha-postgresql.%s.svc.cluster.local" $namespace))
              "ttl" $values.certificate.ttl) | nindent 8 }}
    spec:
      serviceAccountName: pgpool
      enableServiceLinks: false
      automountServiceAccountToken: false
      schedulingGates: [{name: blinkchamber.io/injection}]
      securityContext: {{- include "blinkchamber.podSecurity" . | nindent 8 }}
      terminationGracePeriodSeconds: {{ add 10 $values.lingerSeconds $values.drainSeconds }}
      topologySpreadConstraints: {{- include "blinkchamber.spread" "pgpool" | nindent 8 }}
      {{- include "blinkchamber.nodeChoice" $values | nindent 6 }}
      containers:
        - name: pgpool
          image: {{ include "blinkchamber.image" (list . "pgpool" "blinkchamber-pgpool") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [sh, /config/pgpool.sh]
          env:
            - {name: PGPASSFILE, value: /vault/secrets/pgpass}
            - {name: PGSSLMODE, value: verify-ca}
            - {name: PGSSLROOTCERT, value: /vault/secrets/ca.crt}
            - {name: PGCONNECT_TIMEOUT, value: "4"}
            - {name: LINGER, value: {{ $values.lingerSeconds | quote }}}
            - {name: DRAIN, value: {{ $values.drainSeconds | quote }}}
            {{- if include "blinkchamber.metrics.scraped" . }}
            - {name: METRICS_PORT, value: "9719"}
            {{- end }}
            - {name: RENEWAL_DRAIN, value: {{ $values.certificate.drainSeconds | quote }}}
          ports:
            - {name: postgresql, containerPort: 5432}
            {{- if include "blinkchamber.metrics.scraped" . }}
            - {name: metrics, containerPort: 9719}
            {{- end }}
          readinessProbe:
            exec: {command: [sh, /config/ready.sh]}
            periodSeconds: 3
            timeoutSeconds: 5
            failureThreshold: 6
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - {name: run, mountPath: /run/pgpool}
            - {name: tmp, mountPath: /tmp}
            - {name: config, mountPath: /config, readOnly: true}
      volumes:
        - {name: run, emptyDir: {medium: Memory, sizeLimit: 4Mi}}
        - {name: tmp, emptyDir: {sizeLimit: 16Mi}}
        - {name: config, configMap: {name: pgpool}}
{{- end }}
