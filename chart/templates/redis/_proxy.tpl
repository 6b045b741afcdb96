{{- define "blinkchamber.redis-haproxy.workload" -}}
{{- $redis := .Values.redis -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: redis-haproxy
  namespace: {{ include "blinkchamber.databaseNamespace" . }}
  labels: {{- include "blinkchamber.labels" (list . "redis-haproxy") | nindent 4 }}
spec:
  replicas: {{ $redis.proxy.replicaCount }}
  selector:
    matchLabels: {{- include "blinkchamber.selector" "redis-haproxy" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "redis-haproxy") | nindent 8 }}
      annotations:
        checksum/configuration: {{ include "blinkchamber.redis.proxyConfiguration" . | sha256sum }}
        {{- include "blinkchamber.agentAnnotations" . | nindent 8 }}
        vault.hashicorp.com/role: redis-haproxy-role
        # All it needs to know is whom to believe: it carries what clients and Redis encrypt, and its checks need no password.
        vault.hashicorp.com/agent-inject-secret-ca.pem: pki/cert/ca
        vault.hashicorp.com/agent-inject-template-ca.pem: |
          {{`{{ with secret "pki/cert/ca" }}{{ .Data.certificate }}{{ end }}`}}
        blinkchamber.io/agent-reload-ca.pem: signal:USR2:haproxy
    spec:
      serviceAccountName: redis-haproxy
      automountServiceAccountToken: false
      enableServiceLinks: false
      schedulingGates: [{name: blinkchamber.io/injection}]
      terminationGracePeriodSeconds: 15
      securityContext: {{- include "blinkchamber.podSecurity" . | nindent 8 }}
      {{- include "blinkchamber.nodeChoice" $redis | nindent 6 }}
      topologySpreadConstraints: {{- include "blinkchamber.spread" "redis-haproxy" | nindent 8 }}
      containers:
        - name: haproxy
          image: {{ include "blinkchamber.image" (list . "haproxy" "blinkchamber-haproxy") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          # The agent's first word may come before HAProxy listens for it, and would end it.
          command: [sh, -c, "trap '' USR2; exec haproxy -W -db -f /config/haproxy.cfg"]
          ports:
            {{- range until (int $redis.master.count) }}
            - {name: group-{{ . }}, containerPort: {{ add 6379 . }}}
            {{- end }}
            - {name: alive, containerPort: 8404}
            {{- if include "blinkchamber.metrics.scraped" . }}
            - {name: metrics, containerPort: 8405}
            {{- end }}
          readinessProbe:
            httpGet: {path: /alive, port: alive}
            periodSeconds: 2
          livenessProbe:
            httpGet: {path: /alive, port: alive}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          # Until nobody sends new connections here.
          lifecycle:
            preStop:
              exec: {command: [sleep, "3"]}
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml $redis.proxy.resources | nindent 12 }}
          volumeMounts:
            - {name: config, mountPath: /config, readOnly: true}
      volumes:
        - {name: config, configMap: {name: redis-haproxy}}
{{- end }}
