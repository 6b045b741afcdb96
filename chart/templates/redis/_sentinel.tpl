{{- define "blinkchamber.redis-sentinel.workload" -}}
{{- $redis := .Values.redis -}}
{{- $namespace := include "blinkchamber.databaseNamespace" . -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: redis-sentinel
  namespace: {{ $namespace }}
  labels: {{- include "blinkchamber.labels" (list . "redis-sentinel") | nindent 4 }}
spec:
  serviceName: redis-sentinel
  replicas: {{ $redis.sentinel.replicaCount }}
  podManagementPolicy: Parallel
  selector:
    matchLabels: {{- include "blinkchamber.selector" "redis-sentinel" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "redis-sentinel") | nindent 8 }}
      annotations:
        {{- include "blinkchamber.redis.annotations" (list . "redis-sentinel-role" "sentinel.sh" (list "admin" "peers" "sentinel")) | nindent 8 }}
        vault.hashicorp.com/agent-inject-secret-users.acl: secret/data/redis
        vault.hashicorp.com/agent-inject-template-users.acl: |
          {{- include "blinkchamber.redis.sentinelUsers" . | nindent 10 }}
    spec:
      serviceAccountName: redis-sentinel
      automountServiceAccountToken: false
      enableServiceLinks: false
      schedulingGates: [{name: blinkchamber.io/injection}]
      terminationGracePeriodSeconds: 10
      securityContext: {{- include "blinkchamber.podSecurity" . | nindent 8 }}
      {{- include "blinkchamber.nodeChoice" $redis | nindent 6 }}
      topologySpreadConstraints: {{- include "blinkchamber.spread" "redis-sentinel" | nindent 8 }}
      containers:
        - name: redis
          image: {{ include "blinkchamber.image" (list . "redis" "blinkchamber-redis") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [sh, /scripts/sentinel.sh]
          env:
            {{- include "blinkchamber.redis.env" . | nindent 12 }}
            - {name: DOWN_AFTER, value: {{ $redis.sentinel.downAfterMilliseconds | quote }}}
            - {name: FAILOVER_TIMEOUT, value: {{ $redis.sentinel.failoverTimeoutMilliseconds | quote }}}
          ports: [{name: sentinel, containerPort: 26379}]
          readinessProbe:
            exec: {command: [sh, /scripts/probe.sh, ready]}
            periodSeconds: 3
            timeoutSeconds: 4
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml $redis.sentinel.resources | nindent 12 }}
          volumeMounts:
            - {name: run, mountPath: /run/redis}
            - {name: record, mountPath: /run/redis/record}
            - {name: scripts, mountPath: /scripts, readOnly: true}
        # Keeps who is master of which group where it survives all of these pods. No secret is among it.
        - name: record
          image: {{ include "blinkchamber.image" (list . "platform" "blinkchamber") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [/blinkchamber-bootstrap, topology]
          env:
            - {name: BLINKCHAMBER_TOPOLOGY, value: {{ $namespace }}/redis-topology}
            - {name: BLINKCHAMBER_TOPOLOGY_DIRECTORY, value: /run/record}
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources:
            requests: {cpu: 5m, memory: 8Mi}
            limits: {memory: 64Mi}
          volumeMounts:
            - {name: record, mountPath: /run/record}
            - {name: api, mountPath: /run/api, readOnly: true}
      volumes:
        - {name: run, emptyDir: {medium: Memory, sizeLimit: 4Mi}}
        - {name: record, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
        - {name: scripts, configMap: {name: redis, defaultMode: 0555}}
        - name: api
          projected:
            sources:
              - serviceAccountToken: {path: token, expirationSeconds: 3600}
              - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
