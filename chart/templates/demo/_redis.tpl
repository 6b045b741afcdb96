{{- define "blinkchamber.demo.redis" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: redis
  namespace: {{ .Values.demo.namespace }}
  labels: {{- include "blinkchamber.labels" (list . "redis") | nindent 4 }}
spec:
  serviceName: redis
  replicas: 1
  podManagementPolicy: Parallel
  selector:
    matchLabels: {{- include "blinkchamber.selector" "redis" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "redis") | nindent 8 }}
      annotations:
        checksum/scripts: {{ .Files.Get "files/demo/redis.sh" | cat (.Files.Get "files/redis/lib.sh") | sha256sum }}
        {{- include "blinkchamber.agentAnnotations" . | nindent 8 }}
        vault.hashicorp.com/role: redis-role
        # Verifiers, not passwords: the server needs no more.
        vault.hashicorp.com/agent-inject-secret-users.acl: secret/data/redis
        vault.hashicorp.com/agent-inject-template-users.acl: |
          user default off
          user probe on nopass resetchannels -@all +ping
          {{`{{ with secret "secret/data/redis" -}}
          user app on #{{ .Data.data.app | sha256Hex }} ~demo:* &demo:* +@all -@admin -@dangerous
          {{- end }}
          {{ with secret "secret/data/redis-admin" -}}
          user admin on #{{ .Data.data.admin | sha256Hex }} ~* &* +@all
          {{- end }}`}}
        blinkchamber.io/agent-reload-users.acl: signal:HUP:redis.sh
        # In clear: with it the container's main process tells the server about new verifiers.
        vault.hashicorp.com/agent-inject-secret-admin: secret/data/redis-admin
        vault.hashicorp.com/agent-inject-template-admin: |-
          {{`{{- with secret "secret/data/redis-admin" }}{{ .Data.data.admin }}{{ end -}}`}}
        vault.hashicorp.com/error-on-missing-key-users.acl: "true"
        vault.hashicorp.com/error-on-missing-key-admin: "true"
    spec:
      serviceAccountName: redis
      {{- include "blinkchamber.demo.pod" . | nindent 6 }}
      terminationGracePeriodSeconds: 20
      containers:
        - name: redis
          image: {{ include "blinkchamber.image" (list . "demoRedis" "blinkchamber-demo-redis") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [sh, /scripts/redis.sh]
          env:
            - {name: GRACE, value: {{ .Values.demo.redisGraceSeconds | quote }}}
          ports: [{name: redis, containerPort: 6379}]
          readinessProbe:
            exec: {command: [sh, -c, "printf 'AUTH probe any\\nPING\\n' | timeout 2 redis-cli | grep -q PONG"]}
            periodSeconds: 2
            timeoutSeconds: 3
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources:
            requests: {cpu: 20m, memory: 16Mi}
            limits: {memory: 128Mi}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: run, mountPath: /run/redis}
            - {name: scripts, mountPath: /scripts, readOnly: true}
      volumes:
        - {name: run, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
        - {name: scripts, configMap: {name: redis}}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .Values.demo.storage.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ .Values.demo.storage.size }}}}
{{- end }}

{{- define "blinkchamber.demo.redis-client" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: redis-client
  namespace: {{ .Values.demo.namespace }}
  labels: {{- include "blinkchamber.labels" (list . "redis-client") | nindent 4 }}
spec:
  replicas: 1
  selector:
    matchLabels: {{- include "blinkchamber.selector" "redis-client" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "redis-client") | nindent 8 }}
      annotations:
        checksum/scripts: {{ .Files.Get "files/demo/redis-client.sh" | sha256sum }}
        {{- include "blinkchamber.agentAnnotations" . | nindent 8 }}
        vault.hashicorp.com/role: redis-client-role
        vault.hashicorp.com/agent-inject-secret-password: secret/data/redis
        vault.hashicorp.com/agent-inject-template-password: |-
          {{`{{- with secret "secret/data/redis" }}{{ .Data.data.app }}{{ end -}}`}}
        vault.hashicorp.com/error-on-missing-key-password: "true"
    spec:
      serviceAccountName: redis-client
      {{- include "blinkchamber.demo.pod" . | nindent 6 }}
      terminationGracePeriodSeconds: 10
      containers:
        - name: client
          image: {{ include "blinkchamber.image" (list . "demoRedis" "blinkchamber-demo-redis") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [sh, /scripts/redis-client.sh]
          env:
            - {name: REDIS_HOST, value: redis-master.{{ .Values.demo.namespace }}.svc}
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
        - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
        - {name: scripts, configMap: {name: redis-client}}
{{- end }}
