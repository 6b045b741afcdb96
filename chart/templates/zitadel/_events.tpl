{{- /* "true" when ZITADEL's events go to Redis. */ -}}
{{- define "blinkchamber.events.enabled" -}}
{{- if and .Values.zitadel.enabled .Values.zitadel.config.events.enabled (include "blinkchamber.zitadel.cache" .) }}true{{ end -}}
{{- end }}

{{- /* The bridge's configuration, without a credential. Urgent events have a Redis group of their own. */ -}}
{{- define "blinkchamber.events.configuration" -}}
{{- $events := .Values.zitadel.config.events -}}
source:
  url: http://zitadel.{{ include "blinkchamber.identityNamespace" . }}.svc:8080
  host: {{ .Values.zitadel.externalDomain | quote }}
  tokenFile: /vault/secrets/pat
publishing: {{ pick $events.publishing "batchSize" "batchTimeout" "compression" | toJson }}
queues:
{{- range $name := list "high" "normal" "low" }}
{{- $queue := get $events.queues $name }}
  {{ $name }}: {{ merge (dict "group" (ternary "urgent" "other" (eq $name "high"))) $queue | toJson }}
{{- end }}
{{- with $events.classify }}
classify: {{ . | toJson }}
{{- end }}
{{- with $events.payload }}
payload: {{ . | toJson }}
{{- end }}
redis:
  groups:
    urgent: {address: {{ include "blinkchamber.redis.address" (list . 1) | quote }}}
    other: {address: {{ include "blinkchamber.redis.address" (list . 2) | quote }}}
  login: {username: events, passwordFile: /vault/secrets/redis}
  caFile: /vault/secrets/ca.crt
election: {kind: lease, lease: {{ include "blinkchamber.identityNamespace" . }}/zitadel-events}
{{- end }}

{{- define "blinkchamber.zitadel-events.workload" -}}
{{- $events := .Values.zitadel.config.events -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: zitadel-events
  namespace: {{ include "blinkchamber.identityNamespace" . }}
  labels: {{- include "blinkchamber.labels" (list . "zitadel-events") | nindent 4 }}
spec:
  replicas: {{ $events.replicaCount }}
  selector:
    matchLabels: {{- include "blinkchamber.selector" "zitadel-events" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "zitadel-events") | nindent 8 }}
      annotations:
        {{- include "blinkchamber.agentAnnotations" . | nindent 8 }}
        vault.hashicorp.com/role: zitadel-events-role
        # It reads each of them again at every login: no signal is needed.
        vault.hashicorp.com/template-static-secret-render-interval: 2s
        vault.hashicorp.com/auth-max-backoff: 5s
        vault.hashicorp.com/agent-inject-secret-pat: secret/data/zitadel/pat
        vault.hashicorp.com/agent-inject-template-pat: |-
          {{`{{- with secret "secret/data/zitadel/pat" }}{{ .Data.data.admin }}{{ end -}}`}}
        vault.hashicorp.com/agent-inject-secret-redis: secret/data/redis/events
        vault.hashicorp.com/agent-inject-template-redis: |-
          {{`{{- with secret "secret/data/redis/events" }}{{ .Data.data.events }}{{ end -}}`}}
        vault.hashicorp.com/agent-inject-secret-ca.crt: {{ .Values.bootstrap.pki.mount }}/cert/ca
        vault.hashicorp.com/agent-inject-template-ca.crt: |
          {{ printf `{{- with secret "%s/cert/ca" }}{{ .Data.certificate }}{{ end -}}` .Values.bootstrap.pki.mount }}
        {{- range list "pat" "redis" "ca.crt" }}
        vault.hashicorp.com/error-on-missing-key-{{ . }}: "true"
        vault.hashicorp.com/agent-inject-perms-{{ . }}: "0400"
        {{- end }}
    spec:
      serviceAccountName: zitadel-events
      {{- include "blinkchamber.zitadel.pod" . | nindent 6 }}
      # What was read is pushed before the end.
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints: {{- include "blinkchamber.spread" "zitadel-events" | nindent 8 }}
      {{- include "blinkchamber.nodeChoice" .Values.zitadel | nindent 6 }}
      containers:
        - name: events
          image: {{ include "blinkchamber.image" (list . "platform" "blinkchamber") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [/blinkchamber-events, serve, --config, /config/events.yaml]
          env:
            - {name: BLINKCHAMBER_EVENTS_CONFIG, value: /config/events.yaml}
            - {name: BLINKCHAMBER_EVENTS_IDENTITY, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
          ports: [{name: admin, containerPort: 8080}]
          startupProbe:
            httpGet: {path: /livez, port: admin}
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /livez, port: admin}
            periodSeconds: 10
          readinessProbe:
            httpGet: {path: /readyz, port: admin}
            periodSeconds: 2
            failureThreshold: 2
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml $events.resources | nindent 12 }}
          volumeMounts:
            - {name: config, mountPath: /config, readOnly: true}
            - {name: api, mountPath: /run/api, readOnly: true}
      volumes:
        - {name: config, configMap: {name: zitadel-events}}
        {{- include "blinkchamber.apiVolume" . | nindent 8 }}
{{- end }}
