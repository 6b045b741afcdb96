{{- define "blinkchamber.identityNamespace" -}}
identity
{{- end }}

{{- /* What this component asks of OpenBao beside its compiled policies. The database's secret is PostgreSQL's. */ -}}
{{- define "blinkchamber.zitadel.secrets" -}}
# What ZITADEL encrypts with. It can never be replaced: a backup of the database is worth nothing without it.
- path: secret/data/zitadel/config
  keys: {masterkey: {length: 32}}
{{- end }}

{{- /* The setup's own tokens go into OpenBao by a login that can do nothing else, and that only once. */ -}}
{{- define "blinkchamber.zitadel.operators" -}}
- role: zitadel-tokens-role
  serviceAccount: zitadel-setup
  namespace: {{ include "blinkchamber.identityNamespace" . }}
  policy: |
    path "secret/data/zitadel/pat" {
      capabilities = ["create"]
    }
{{- end }}

{{- /* "true" when there is a Redis for the cache. */ -}}
{{- define "blinkchamber.zitadel.cache" -}}
{{- if or .Values.redis.enabled .Values.redis.external.host }}true{{ end -}}
{{- end }}

{{- /* ZITADEL's configuration without a credential. */ -}}
{{- define "blinkchamber.zitadel.configuration" -}}
{{- $values := .Values.zitadel -}}
Port: 8080
ExternalDomain: {{ $values.externalDomain | quote }}
ExternalPort: {{ $values.externalPort }}
ExternalSecure: {{ $values.externalSecure }}
# What it shows at /debug/metrics; its older setting (Metrics.Type) does not count beside this one.
Instrumentation: {Metric: {Exporter: {Type: {{ ternary "prometheus" "none" (eq (include "blinkchamber.metrics.scraped" .) "true") }}}}}
# TLS ends at the ingress.
TLS: {Enabled: false}
Database:
  postgres:
    Host: {{ required "zitadel: needs postgresql-ha.enabled or postgresql-ha.external.host" (include "blinkchamber.postgresql.host" .) }}
    Port: {{ include "blinkchamber.postgresql.port" . }}
    Database: zitadel
    MaxOpenConns: {{ $values.maxConnections }}
    User:
      SSL: {Mode: verify-full, RootCert: /vault/secrets/ca.crt}
{{- if include "blinkchamber.zitadel.cache" . }}
Caches:
  Connectors:
    Redis:
      Enabled: true
      Addr: {{ include "blinkchamber.redis.address" (list . 0) }}
      EnableTLS: true
{{- end }}
{{- with $values.extraConfig }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "blinkchamber.zitadel.steps" -}}
FirstInstance:
  Org:
    Name: {{ .Values.zitadel.organization | quote }}
    Machine:
      Machine: {Username: admin, Name: Administrator}
      Pat: {ExpirationDate: "2100-01-01T00:00:00Z"}
    LoginClient:
      Machine: {Username: login-client, Name: Login}
      Pat: {ExpirationDate: "2100-01-01T00:00:00Z"}
  PatPath: /tokens/admin
  LoginClientPatPath: /tokens/login-client
{{- end }}

{{- /* Annotations of every pod of ZITADEL: its files, read once at its start. Argument: (list root role). */ -}}
{{- define "blinkchamber.zitadel.annotations" -}}
{{- $root := index . 0 -}}
{{ include "blinkchamber.agentAnnotations" $root }}
vault.hashicorp.com/role: {{ index . 1 }}
vault.hashicorp.com/template-static-secret-render-interval: 2s
# The later of two --config files wins, key by key.
vault.hashicorp.com/agent-inject-secret-secrets.yaml: secret/data/zitadel/postgres
vault.hashicorp.com/agent-inject-template-secrets.yaml: |
  {{`{{- with secret "secret/data/zitadel/postgres" }}`}}
  Database:
    postgres:
      User:
        Username: {{`{{ .Data.data.username | toJSON }}`}}
        Password: {{`{{ .Data.data.password | toJSON }}`}}
  {{`{{- end }}`}}
  {{- if include "blinkchamber.zitadel.cache" $root }}
  {{`{{- with secret "secret/data/redis/zitadel" }}`}}
  Caches:
    Connectors:
      Redis:
        Username: zitadel
        Password: {{`{{ .Data.data.zitadel | toJSON }}`}}
  {{`{{- end }}`}}
  {{- end }}
# Exactly 32 bytes: a line end would be part of the key.
vault.hashicorp.com/agent-inject-secret-masterkey: secret/data/zitadel/config
vault.hashicorp.com/agent-inject-template-masterkey: |-
  {{`{{- with secret "secret/data/zitadel/config" }}{{ .Data.data.masterkey }}{{ end -}}`}}
vault.hashicorp.com/agent-inject-secret-ca.crt: {{ $root.Values.bootstrap.pki.mount }}/cert/ca
vault.hashicorp.com/agent-inject-template-ca.crt: |
  {{ printf `{{- with secret "%s/cert/ca" }}{{ .Data.certificate }}{{ end -}}` $root.Values.bootstrap.pki.mount }}
{{- range list "secrets.yaml" "masterkey" "ca.crt" }}
vault.hashicorp.com/error-on-missing-key-{{ . }}: "true"
vault.hashicorp.com/agent-inject-perms-{{ . }}: "0400"
{{- end }}
{{- end }}

{{- /* Argument: root. */ -}}
{{- define "blinkchamber.zitadel.pod" -}}
enableServiceLinks: false
automountServiceAccountToken: false
schedulingGates: [{name: blinkchamber.io/injection}]
securityContext: {{- include "blinkchamber.podSecurity" . | nindent 2 }}
{{- end }}

{{- /* Argument: root. Go takes its authorities from SSL_CERT_FILE: the cache's connection has no setting for them. */ -}}
{{- define "blinkchamber.zitadel.container" -}}
image: {{ .Values.images.zitadel }}
imagePullPolicy: {{ .Values.images.pullPolicy }}
env: [{name: SSL_CERT_FILE, value: /vault/secrets/ca.crt}]
securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 2 }}
resources: {{- toYaml .Values.zitadel.resources | nindent 2 }}
{{- end }}
