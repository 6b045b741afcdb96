{{- /* The masters or the replicas: which of both a pod is, the Sentinels decide. Argument: (list root set replicas). */ -}}
{{- define "blinkchamber.redis.servers" -}}
{{- $root := index . 0 -}}
{{- $set := index . 1 -}}
{{- $redis := $root.Values.redis -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $set }}
  namespace: {{ include "blinkchamber.databaseNamespace" $root }}
  labels: {{- include "blinkchamber.labels" (list $root $set) | nindent 4 }}
spec:
  serviceName: redis
  replicas: {{ index . 2 }}
  # A pod that waits at its gate must not hold back the others.
  podManagementPolicy: Parallel
  {{- if $redis.persistence.enabled }}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: {{ $redis.persistence.whenDeleted }}, whenScaled: Retain}
  {{- end }}
  selector:
    matchLabels: {{- include "blinkchamber.selector" $set | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "blinkchamber.agentPodLabels" (list $root $set) | nindent 8 }}
        blinkchamber.io/redis: server
      annotations:
        {{- include "blinkchamber.redis.annotations" (list $root "redis-role" "redis.sh" (list "admin" "replica")) | nindent 8 }}
        vault.hashicorp.com/agent-inject-secret-users.acl: secret/data/redis
        vault.hashicorp.com/agent-inject-template-users.acl: |
          {{- include "blinkchamber.redis.users" $root | nindent 10 }}
    spec:
      serviceAccountName: redis
      automountServiceAccountToken: false
      enableServiceLinks: false
      # A pod that was made before the webhook was there waits here, and never starts without its agent.
      schedulingGates: [{name: blinkchamber.io/injection}]
      terminationGracePeriodSeconds: 20
      securityContext: {{- include "blinkchamber.podSecurity" $root | nindent 8 }}
      {{- include "blinkchamber.nodeChoice" $redis | nindent 6 }}
      # Over masters and replicas together: both of a group on one node would be no help.
      topologySpreadConstraints:
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {blinkchamber.io/redis: server}}
        {{- end }}
      containers:
        - name: redis
          image: {{ include "blinkchamber.image" (list $root "redis" "blinkchamber-redis") }}
          imagePullPolicy: {{ $root.Values.images.pullPolicy }}
          command: [sh, /scripts/redis.sh]
          env:
            {{- include "blinkchamber.redis.env" $root | nindent 12 }}
            - {name: MIN_REPLICAS, value: {{ $redis.minReplicasToWrite | quote }}}
          ports: [{name: redis, containerPort: 6379}]
          # Before the server starts, the pod may wait for the Sentinels; then it loads its data.
          startupProbe:
            exec: {command: [sh, /scripts/probe.sh, alive]}
            periodSeconds: 1
            timeoutSeconds: 4
            failureThreshold: 600
          readinessProbe:
            exec: {command: [sh, /scripts/probe.sh, ready]}
            periodSeconds: 3
            timeoutSeconds: 4
          livenessProbe:
            exec: {command: [sh, /scripts/probe.sh, alive]}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          securityContext: {{- include "blinkchamber.containerSecurity" $root | nindent 12 }}
          resources: {{- toYaml $redis.resources | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: run, mountPath: /run/redis}
            - {name: scripts, mountPath: /scripts, readOnly: true}
            - {name: topology, mountPath: /topology, readOnly: true}
      volumes:
        - {name: run, emptyDir: {medium: Memory, sizeLimit: 4Mi}}
        - {name: scripts, configMap: {name: redis, defaultMode: 0555}}
        - {name: topology, configMap: {name: redis-topology, optional: true}}
        {{- if not $redis.persistence.enabled }}
        - {name: data, emptyDir: {}}
        {{- end }}
  {{- if $redis.persistence.enabled }}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $redis.persistence.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ $redis.persistence.size }}}}
  {{- end }}
{{- end }}

{{- define "blinkchamber.redis-master.workload" -}}
{{ include "blinkchamber.redis.servers" (list . "redis-master" .Values.redis.master.count) }}
{{- end }}

{{- define "blinkchamber.redis-replica.workload" -}}
{{ include "blinkchamber.redis.servers" (list . "redis-replica" .Values.redis.replica.replicaCount) }}
{{- end }}
