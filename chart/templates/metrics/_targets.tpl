{{- /* "true" when somebody scrapes: what shows its numbers only then is told by this. */ -}}
{{- define "blinkchamber.metrics.scraped" -}}
{{- if or .Values.metrics.serviceMonitors .Values.metrics.scrapeAnnotations }}true{{ end -}}
{{- end }}

{{- /* "true" when agents show their numbers. */ -}}
{{- define "blinkchamber.metrics.ofAgents" -}}
{{- if or .Values.metrics.podMonitors .Values.metrics.scrapeAnnotations }}true{{ end -}}
{{- end }}

{{- define "blinkchamber.metrics.agentPort" -}}
9102
{{- end }}

{{- /* Where a component shows its numbers, a YAML list. `closed`: nobody reaches that port without a hole of its own. */ -}}
{{- define "blinkchamber.metrics.targets" -}}
{{- $database := include "blinkchamber.databaseNamespace" . -}}
- {name: webhook, namespace: {{ .Release.Namespace }}, port: 8080, path: /metrics, scheme: http}
- {name: bootstrap, namespace: {{ .Release.Namespace }}, port: 8080, path: /metrics, scheme: http}
{{- if and .Values.vault.enabled .Values.metrics.openbao }}
- {name: vault, namespace: {{ .Release.Namespace }}, port: 8200, path: /v1/sys/metrics, query: prometheus, scheme: {{ include "blinkchamber.scheme" . }}}
{{- end }}
{{- if (index .Values "postgresql-ha").enabled }}
# Whoever may ask Patroni for its numbers may ask nothing else without its password.
- {name: postgresql, namespace: {{ $database }}, port: 8008, path: /metrics, scheme: https, closed: true}
- {name: pgpool, namespace: {{ $database }}, port: 9719, path: /cgi-bin/metrics, scheme: http, closed: true}
{{- end }}
{{- if .Values.redis.enabled }}
- {name: redis-haproxy, namespace: {{ $database }}, port: 8405, path: /metrics, scheme: http, closed: true}
{{- end }}
{{- if .Values.zitadel.enabled }}
# The port is that of its API: who may scrape may also try to log in there. Newer formats let ZITADEL write names with
# dots, which no rule or dashboard knows.
- {name: zitadel, namespace: {{ include "blinkchamber.identityNamespace" . }}, port: 8080, path: /debug/metrics, scheme: http, closed: true, protocols: [PrometheusText0.0.4]}
{{- if include "blinkchamber.events.enabled" . }}
- {name: zitadel-events, namespace: {{ include "blinkchamber.identityNamespace" . }}, port: 8080, path: /metrics, scheme: http}
{{- end }}
{{- end }}
{{- end }}

{{- /* Annotations of every pod that gets an agent: that it does, and where its numbers are. */ -}}
{{- define "blinkchamber.agentInject" -}}
vault.hashicorp.com/agent-inject: "true"
{{- if include "blinkchamber.metrics.ofAgents" . }}
blinkchamber.io/agent-metrics-address: 0.0.0.0:{{ include "blinkchamber.metrics.agentPort" . }}
{{- end }}
{{- end }}

{{- /* The same for pods of this chart. Those of others may have Prometheus's annotations for something else. */ -}}
{{- define "blinkchamber.agentAnnotations" -}}
{{ include "blinkchamber.agentInject" . }}
{{- if .Values.metrics.scrapeAnnotations }}
prometheus.io/scrape: "true"
prometheus.io/port: {{ include "blinkchamber.metrics.agentPort" . | quote }}
prometheus.io/path: /metrics
{{- end }}
{{- end }}

{{- /* Labels of such a pod. Argument: (list root component). */ -}}
{{- define "blinkchamber.agentPodLabels" -}}
{{ include "blinkchamber.podLabels" . }}
{{- if include "blinkchamber.metrics.ofAgents" (index . 0) }}
blinkchamber.io/agent-metrics: "true"
{{- end }}
{{- end }}
