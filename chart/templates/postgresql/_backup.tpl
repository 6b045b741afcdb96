{{- define "blinkchamber.postgresql.scripts" -}}
{{- range $path, $content := .Files.Glob "files/postgresql/*.sh" }}
{{ base $path }}: |
  {{- $content | toString | nindent 2 }}
{{- end }}
{{- end }}

{{- /* pgBackRest's files: of the members, which know the repository, and of the repository's host, which knows the members.
Both sides show a certificate, and the name in it decides. */ -}}
{{- define "blinkchamber.postgresql.pgbackrest" -}}
{{- $values := index .Values "postgresql-ha" -}}
{{- $namespace := include "blinkchamber.databaseNamespace" . -}}
{{- $repository := printf "postgresql-backup-0.postgresql-backup.%s.svc" $namespace -}}
member.conf: |
  [global]
  repo1-host={{ $repository }}
  repo1-host-type=tls
  repo1-host-port=8432
  repo1-host-ca-file=/vault/secrets/ca.crt
  repo1-host-cert-file=/vault/secrets/tls.crt
  repo1-host-key-file=/vault/secrets/tls.key
  {{- include "blinkchamber.postgresql.pgbackrestServer" . | nindent 2 }}
  tls-server-auth={{ $repository }}=main
  # What cannot be sent for so long that this much waits is dropped: a volume that is full stops the primary.
  archive-push-queue-max={{ $values.backup.queueMax }}
  [global:archive-push]
  io-timeout=10
  [main]
  pg1-path=/data/pgdata
  pg1-socket-path=/run/postgresql
  pg1-user=postgres
repository.conf: |
  [global]
  repo1-path=/repo
  repo1-retention-full={{ $values.backup.keepFull }}
  start-fast=y
  compress-type=zst
  {{- include "blinkchamber.postgresql.pgbackrestServer" . | nindent 2 }}
  {{- range $ordinal := until (int $values.postgresql.replicaCount) }}
  tls-server-auth=postgresql-{{ $ordinal }}.postgresql-pods.{{ $namespace }}.svc=main
  {{- end }}
  [main]
  {{- range $ordinal := until (int $values.postgresql.replicaCount) }}
  {{- $member := add1 $ordinal }}
  pg{{ $member }}-host=postgresql-{{ $ordinal }}.postgresql-pods.{{ $namespace }}.svc
  pg{{ $member }}-host-type=tls
  pg{{ $member }}-host-port=8432
  pg{{ $member }}-host-ca-file=/vault/secrets/ca.crt
  pg{{ $member }}-host-cert-file=/vault/secrets/tls.crt
  pg{{ $member }}-host-key-file=/vault/secrets/tls.key
  pg{{ $member }}-path=/data/pgdata
  pg{{ $member }}-socket-path=/run/postgresql
  pg{{ $member }}-user=postgres
  {{- end }}
{{- end }}

{{- define "blinkchamber.postgresql.pgbackrestServer" -}}
tls-server-address=*
tls-server-port=8432
tls-server-ca-file=/vault/secrets/ca.crt
tls-server-cert-file=/vault/secrets/tls.crt
tls-server-key-file=/vault/secrets/tls.key
log-level-console=warn
log-level-file=off
lock-path=/tmp/pgbackrest
spool-path=/tmp/pgbackrest
{{- end }}

{{- define "blinkchamber.postgresql-backup.workload" -}}
{{- $values := (index .Values "postgresql-ha").backup -}}
{{- $namespace := include "blinkchamber.databaseNamespace" . -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: postgresql-backup
  namespace: {{ $namespace }}
  labels: {{- include "blinkchamber.labels" (list . "postgresql-backup") | nindent 4 }}
spec:
  serviceName: postgresql-backup
  replicas: 1
  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy: {whenDeleted: {{ $values.storage.whenDeleted }}, whenScaled: Retain}
  selector:
    matchLabels: {{- include "blinkchamber.selector" "postgresql-backup" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "postgresql-backup") | nindent 8 }}
      annotations:
        checksum/scripts: {{ include "blinkchamber.postgresql.pgbackrest" . | cat (.Files.Get "files/postgresql/backup.sh") (.Files.Get "files/postgresql/backup-server.sh") | sha256sum }}
        {{- include "blinkchamber.agentAnnotations" . | nindent 8 }}
        vault.hashicorp.com/role: postgresql-backup-role
        {{- include "blinkchamber.postgresql.certificate" (dict "role" "postgresql" "processes" (list "backup-server.sh")
              "name" (printf `(printf "common_name=%%s.postgresql-backup.%s.svc" (env "HOSTNAME"))` $namespace) "names" (list)
              "ttl" (index .Values "postgresql-ha").certificates.ttl) | nindent 8 }}
    spec:
      serviceAccountName: postgresql-backup
      enableServiceLinks: false
      automountServiceAccountToken: false
      schedulingGates: [{name: blinkchamber.io/injection}]
      securityContext: {{- include "blinkchamber.podSecurity" . | nindent 8 }}
      terminationGracePeriodSeconds: 10
      {{- include "blinkchamber.nodeChoice" $values | nindent 6 }}
      containers:
        {{- range list "server" "schedule" }}
        - name: {{ . }}
          image: {{ include "blinkchamber.image" (list $ "postgresql" "blinkchamber-postgresql") }}
          imagePullPolicy: {{ $.Values.images.pullPolicy }}
          {{- if eq . "server" }}
          command: [sh, /scripts/backup-server.sh]
          ports: [{name: pgbackrest, containerPort: 8432}]
          readinessProbe: {tcpSocket: {port: pgbackrest}, periodSeconds: 5}
          {{- else }}
          command: [sh, /scripts/backup.sh]
          env:
            - {name: FULL_HOURS, value: {{ $values.fullEveryHours | quote }}}
            - {name: INCREMENTAL_HOURS, value: {{ $values.incrementalEveryHours | quote }}}
          readinessProbe: {exec: {command: [test, -f, /tmp/works]}, periodSeconds: 5}
          {{- end }}
          securityContext: {{- include "blinkchamber.containerSecurity" $ | nindent 12 }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - {name: repository, mountPath: /repo}
            - {name: tmp, mountPath: /tmp}
            - {name: scripts, mountPath: /scripts, readOnly: true}
            - {name: pgbackrest, mountPath: /etc/pgbackrest, readOnly: true}
        {{- end }}
      volumes:
        # Locks are there: both containers must see them.
        - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
        - {name: scripts, configMap: {name: postgresql}}
        - {name: pgbackrest, configMap: {name: postgresql-backup, items: [{key: repository.conf, path: pgbackrest.conf}]}}
  volumeClaimTemplates:
    - metadata: {name: repository}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $values.storage.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ $values.storage.size }}}}
{{- end }}
