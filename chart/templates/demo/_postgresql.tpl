{{- define "blinkchamber.demo.postgresql" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: postgresql
  namespace: {{ .Values.demo.namespace }}
  labels: {{- include "blinkchamber.labels" (list . "postgresql") | nindent 4 }}
spec:
  serviceName: postgresql-pods
  replicas: 1
  # Its rollout must not wait for a pod that waits at its gate.
  podManagementPolicy: Parallel
  selector:
    matchLabels: {{- include "blinkchamber.selector" "postgresql" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "postgresql") | nindent 8 }}
      annotations:
        checksum/scripts: {{ .Files.Get "files/demo/postgresql.sh" | cat (.Files.Get "files/demo/postgresql.sql") | sha256sum }}
        {{- include "blinkchamber.agentAnnotations" . | nindent 8 }}
        vault.hashicorp.com/role: postgres-role
        vault.hashicorp.com/agent-inject-secret-superuser: secret/data/postgres
        vault.hashicorp.com/agent-inject-template-superuser: |-
          {{`{{- with secret "secret/data/postgres" }}{{ .Data.data.superuser }}{{ end -}}`}}
        # Run at every start and after every change; the statement with the password never reaches the server's log.
        vault.hashicorp.com/agent-inject-secret-superuser.sql: secret/data/postgres
        vault.hashicorp.com/agent-inject-template-superuser.sql: |
          SET log_statement TO none;
          SET log_min_error_statement TO panic;
          SET log_min_duration_statement TO -1;
          {{`{{- with secret "secret/data/postgres" }}
          ALTER ROLE postgres PASSWORD '{{ .Data.data.superuser | replaceAll "'" "''" }}';
          {{- end }}`}}
        blinkchamber.io/agent-reload-superuser.sql: signal:HUP:postgresql.sh
        # Used once, before the server is open to anybody: afterwards only OpenBao knows this role's password.
        vault.hashicorp.com/agent-inject-secret-vaultadmin.sql: secret/data/postgres
        vault.hashicorp.com/agent-inject-template-vaultadmin.sql: |
          {{`{{- with secret "secret/data/postgres" }}
          CREATE ROLE vaultadmin LOGIN CREATEROLE PASSWORD '{{ .Data.data.vaultadmin | replaceAll "'" "''" }}';
          {{- end }}`}}
        vault.hashicorp.com/error-on-missing-key-superuser: "true"
        vault.hashicorp.com/error-on-missing-key-superuser.sql: "true"
        vault.hashicorp.com/error-on-missing-key-vaultadmin.sql: "true"
    spec:
      serviceAccountName: postgresql-ha
      {{- include "blinkchamber.demo.pod" . | nindent 6 }}
      terminationGracePeriodSeconds: 30
      containers:
        - name: postgresql
          image: {{ include "blinkchamber.image" (list . "demoPostgres" "blinkchamber-demo-postgres") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [sh, /scripts/postgresql.sh]
          ports: [{name: postgresql, containerPort: 5432}]
          readinessProbe:
            exec: {command: [pg_isready, --quiet, --host=/run/postgresql, --username=postgres, --dbname=postgres]}
            periodSeconds: 2
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources:
            requests: {cpu: 50m, memory: 64Mi}
            limits: {memory: 256Mi}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: run, mountPath: /run/postgresql}
            - {name: tmp, mountPath: /tmp}
            - {name: shm, mountPath: /dev/shm}
            - {name: scripts, mountPath: /scripts, readOnly: true}
      volumes:
        - {name: run, emptyDir: {medium: Memory, sizeLimit: 4Mi}}
        - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
        - {name: shm, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
        - {name: scripts, configMap: {name: postgresql}}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .Values.demo.storage.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ .Values.demo.storage.size }}}}
{{- end }}

{{- define "blinkchamber.demo.postgresql-client" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: postgresql-client
  namespace: {{ .Values.demo.namespace }}
  labels: {{- include "blinkchamber.labels" (list . "postgresql-client") | nindent 4 }}
spec:
  replicas: 1
  selector:
    matchLabels: {{- include "blinkchamber.selector" "postgresql-client" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "postgresql-client") | nindent 8 }}
      annotations:
        checksum/scripts: {{ .Files.Get "files/demo/postgresql-client.sh" | sha256sum }}
        {{- include "blinkchamber.agentAnnotations" . | nindent 8 }}
        vault.hashicorp.com/role: demo-client-role
        # A user of its own, made by OpenBao and removed with its lease. One line of libpq's password file.
        vault.hashicorp.com/agent-inject-secret-pgpass: database/creds/demo-app
        vault.hashicorp.com/agent-inject-template-pgpass: |
          {{`{{- with secret "database/creds/demo-app" -}}`}}
          postgresql.{{ .Values.demo.namespace }}.svc:5432:postgres:{{`{{ .Data.username }}:{{ .Data.password }}
          {{- end }}`}}
        vault.hashicorp.com/agent-inject-perms-pgpass: "0400"
        vault.hashicorp.com/agent-revoke-on-shutdown: "true"
        vault.hashicorp.com/agent-revoke-grace: "0"
    spec:
      serviceAccountName: demo-client
      {{- include "blinkchamber.demo.pod" . | nindent 6 }}
      terminationGracePeriodSeconds: 10
      containers:
        - name: client
          image: {{ include "blinkchamber.image" (list . "demoPostgres" "blinkchamber-demo-postgres") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [sh, /scripts/postgresql-client.sh]
          env:
            - {name: PGHOST, value: postgresql.{{ .Values.demo.namespace }}.svc}
            - {name: PGDATABASE, value: postgres}
          readinessProbe:
            exec: {command: [test, -f, /tmp/works]}
            periodSeconds: 2
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources:
            requests: {cpu: 10m, memory: 16Mi}
            limits: {memory: 64Mi}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            - {name: scripts, mountPath: /scripts, readOnly: true}
      volumes:
        # In memory: it holds a copy of the password file for the moment of a login.
        - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
        - {name: scripts, configMap: {name: postgresql-client}}
{{- end }}
