{{- define "blinkchamber.postgresql.workload" -}}
{{- $values := (index .Values "postgresql-ha").postgresql -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: postgresql
  namespace: {{ include "blinkchamber.databaseNamespace" . }}
  labels: {{- include "blinkchamber.labels" (list . "postgresql") | nindent 4 }}
spec:
  serviceName: postgresql-pods
  replicas: {{ $values.replicaCount }}
  # A pod that waits at its gate must not hold back the others.
  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy: {whenDeleted: {{ $values.storage.whenDeleted }}, whenScaled: Retain}
  selector:
    matchLabels: {{- include "blinkchamber.selector" "postgresql" | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "blinkchamber.agentPodLabels" (list . "postgresql") | nindent 8 }}
        cluster-name: postgresql
      annotations:
        checksum/scripts: {{ include "blinkchamber.postgresql.scripts" . | cat (include "blinkchamber.postgresql.cluster" .) (include "blinkchamber.postgresql.pgbackrest" .) | sha256sum }}
        {{- include "blinkchamber.agentAnnotations" . | nindent 8 }}
        vault.hashicorp.com/role: postgres-role
        vault.hashicorp.com/template-static-secret-render-interval: 2s
        vault.hashicorp.com/agent-inject-secret-patroni.yml: secret/data/postgres
        vault.hashicorp.com/agent-inject-template-patroni.yml: |
          {{- include "blinkchamber.postgresql.patroni" . | nindent 10 }}
        vault.hashicorp.com/agent-inject-secret-roles.sql: secret/data/postgres
        vault.hashicorp.com/agent-inject-template-roles.sql: |
          {{- include "blinkchamber.postgresql.roles" . | nindent 10 }}
        vault.hashicorp.com/error-on-missing-key-patroni.yml: "true"
        vault.hashicorp.com/error-on-missing-key-roles.sql: "true"
        blinkchamber.io/agent-reload-patroni.yml: signal:HUP:postgresql.sh
        blinkchamber.io/agent-reload-roles.sql: signal:HUP:postgresql.sh
        {{- $namespace := include "blinkchamber.databaseNamespace" . }}
        {{- $names := list }}
        {{- range list "postgresql-primary" "postgresql-replicas" }}
        {{- $names = concat $names (list (printf "%s.%s.svc" . $namespace) (printf "%s.%s.svc.cluster.local" . $namespace)) }}
        {{- end }}
        {{- include "blinkchamber.postgresql.certificate" (dict "role" "postgresql" "processes" (ternary (list "postgresql.sh" "backup-server.sh") (list "postgresql.sh") (index .Values "postgresql-ha").backup.enabled) "names" $names
              "name" (printf `(printf "common_name=%%s.postgresql-pods.%s.svc" (env "HOSTNAME"))` $namespace)
              "ttl" (index .Values "postgresql-ha").certificates.ttl) | nindent 8 }}
    spec:
      serviceAccountName: postgresql-ha
      enableServiceLinks: false
      automountServiceAccountToken: false
      # A pod that was made before the webhook was there waits here, and never starts without its agent.
      schedulingGates: [{name: blinkchamber.io/injection}]
      securityContext: {{- include "blinkchamber.podSecurity" . | nindent 8 }}
      terminationGracePeriodSeconds: 60
      topologySpreadConstraints: {{- include "blinkchamber.spread" "postgresql" | nindent 8 }}
      {{- include "blinkchamber.nodeChoice" $values | nindent 6 }}
      containers:
        - name: postgresql
          image: {{ include "blinkchamber.image" (list . "postgresql" "blinkchamber-postgresql") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [sh, /scripts/postgresql.sh]
          env:
            - {name: PATRONI_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: PATRONI_KUBERNETES_POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
            - {name: PATRONI_POSTGRESQL_CONNECT_ADDRESS, value: "$(PATRONI_NAME).postgresql-pods.{{ include "blinkchamber.databaseNamespace" . }}.svc:5432"}
            - {name: PATRONI_RESTAPI_CONNECT_ADDRESS, value: "$(PATRONI_NAME).postgresql-pods.{{ include "blinkchamber.databaseNamespace" . }}.svc:8008"}
          ports:
            - {name: postgresql, containerPort: 5432}
            - {name: patroni, containerPort: 8008}
          readinessProbe:
            httpGet: {path: /readiness, port: patroni, scheme: HTTPS}
            periodSeconds: 2
            timeoutSeconds: 3
          # Patroni's own loop stands still; a server that is down is Patroni's business.
          livenessProbe:
            httpGet: {path: /liveness, port: patroni, scheme: HTTPS}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: run, mountPath: /run/postgresql}
            - {name: tmp, mountPath: /tmp}
            - {name: shm, mountPath: /dev/shm}
            - {name: scripts, mountPath: /scripts, readOnly: true}
            - {name: api, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
            - {name: pgbackrest, mountPath: /etc/pgbackrest, readOnly: true}
            - {name: restore, mountPath: /restore, readOnly: true}
        {{- if (index .Values "postgresql-ha").backup.enabled }}
        # Lets the repository's host read this member, when it is the primary and a backup is due.
        - name: backup-server
          image: {{ include "blinkchamber.image" (list . "postgresql" "blinkchamber-postgresql") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [sh, /scripts/backup-server.sh]
          ports: [{name: pgbackrest, containerPort: 8432}]
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml (index .Values "postgresql-ha").backup.memberResources | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: run, mountPath: /run/postgresql}
            - {name: tmp, mountPath: /tmp}
            - {name: scripts, mountPath: /scripts, readOnly: true}
            - {name: pgbackrest, mountPath: /etc/pgbackrest, readOnly: true}
        {{- end }}
      volumes:
        - {name: run, emptyDir: {medium: Memory, sizeLimit: 4Mi}}
        - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
        - {name: shm, emptyDir: {medium: Memory, sizeLimit: {{ $values.sharedMemory }}}}
        - {name: scripts, configMap: {name: postgresql}}
        - {name: pgbackrest, configMap: {name: postgresql-backup, optional: true, items: [{key: member.conf, path: pgbackrest.conf}]}}
        # There only while somebody asks for a restore.
        - {name: restore, configMap: {name: postgresql-restore, optional: true}}
        # Patroni keeps the cluster's state in ConfigMaps and its role in the pod's label.
        - name: api
          projected:
            sources:
              - serviceAccountToken: {path: token, expirationSeconds: 3600}
              - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
              - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $values.storage.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ $values.storage.size }}}}
{{- end }}
