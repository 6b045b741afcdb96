{{- /* The state that `blinkchamber-bootstrap converge` brings about, beside what it compiles from the workloads. */ -}}
{{- define "blinkchamber.desired" -}}
{{- $bootstrap := .Values.bootstrap -}}
owner: {{ printf "%s.%s" .Release.Namespace .Release.Name }}
kv: {{ $bootstrap.kv | toJson }}
kubernetes:
  path: kubernetes
  host: https://kubernetes.default.svc
  audience: {{ .Values.agent.tokenAudience | quote }}
  tokenTtl: {{ $bootstrap.tokenTtl | quote }}
  tokenMaxTtl: {{ $bootstrap.tokenMaxTtl | quote }}
{{- $secrets := $bootstrap.secrets }}
{{- $databases := $bootstrap.databases }}
{{- $pkiRoles := $bootstrap.pki.roles }}
{{- $rotations := $bootstrap.rotations }}
{{- if .Values.demo.enabled }}
{{- $secrets = concat $secrets (include "blinkchamber.demo.secrets" . | fromYamlArray) }}
{{- $databases = concat $databases (include "blinkchamber.demo.databases" . | fromYamlArray) }}
{{- end }}
{{- if (index .Values "postgresql-ha").enabled }}
{{- $secrets = concat $secrets (include "blinkchamber.postgresql.secrets" . | fromYamlArray) }}
{{- $databases = concat $databases (include "blinkchamber.postgresql.databases" . | fromYamlArray) }}
{{- $pkiRoles = concat $pkiRoles (include "blinkchamber.postgresql.pkiRoles" . | fromYamlArray) }}
{{- $rotations = concat $rotations (include "blinkchamber.postgresql.rotations" . | fromYamlArray) }}
{{- end }}
{{- if .Values.redis.enabled }}
{{- $secrets = concat $secrets (include "blinkchamber.redis.secrets" . | fromYamlArray) }}
{{- $pkiRoles = concat $pkiRoles (include "blinkchamber.redis.pkiRoles" . | fromYamlArray) }}
{{- $rotations = concat $rotations (include "blinkchamber.redis.rotations" . | fromYamlArray) }}
{{- end }}
{{- if .Values.zitadel.enabled }}
{{- $secrets = concat $secrets (include "blinkchamber.zitadel.secrets" . | fromYamlArray) }}
{{- end }}
{{- if include "blinkchamber.ingress.byFile" . }}
{{- $pkiRoles = concat $pkiRoles (include "blinkchamber.ingress.pkiRoles" . | fromYamlArray) }}
{{- end }}
secrets: {{ $secrets | toJson }}
databases: {{ $databases | toJson }}
pki:
  mount: {{ $bootstrap.pki.mount }}
  commonName: {{ $bootstrap.pki.commonName | quote }}
  ttl: {{ $bootstrap.pki.ttl }}
  roles: {{ $pkiRoles | toJson }}
rotations: {{ $rotations | toJson }}
{{- $operators := list }}
{{- range $bootstrap.operators }}
{{- $operators = append $operators (merge (dict "namespace" $.Release.Namespace) .) }}
{{- end }}
{{- if .Values.zitadel.enabled }}
{{- $operators = concat $operators (include "blinkchamber.zitadel.operators" . | fromYamlArray) }}
{{- end }}
{{- $operators = concat $operators (include "blinkchamber.bootstrapRoles" (list . $rotations) | fromYamlArray) }}
operators: {{ $operators | toJson }}
{{- end }}

{{- /* What `rotate` and `snapshot` log in with: each may do its one thing. Arguments: context, rotations. */ -}}
{{- define "blinkchamber.bootstrapRoles" -}}
{{- $context := index . 0 }}
{{- $paths := list }}
{{- range index . 1 }}
{{- $paths = append $paths .path }}
{{- end }}
{{- $namespace := $context.Release.Namespace }}
{{- with $paths | uniq }}
- role: blinkchamber-rotate
  serviceAccount: blinkchamber-bootstrap
  namespace: {{ $namespace }}
  policy: |
    {{- range . }}
    path "{{ . }}" { capabilities = ["read", "update"] }
    # when it was made
    path "{{ replace "/data/" "/metadata/" . }}" { capabilities = ["read"] }
    {{- end }}
{{- end }}
{{- if $context.Values.vault.enabled }}
- role: blinkchamber-snapshot
  serviceAccount: blinkchamber-bootstrap
  namespace: {{ $namespace }}
  policy: |
    path "sys/storage/raft/snapshot" { capabilities = ["read"] }
- role: blinkchamber-restore
  serviceAccount: blinkchamber-bootstrap
  namespace: {{ $namespace }}
  policy: |
    path "sys/storage/raft/snapshot-force" { capabilities = ["create", "update", "sudo"] }
{{- if $context.Values.vault.server.snapshots.enabled }}
- role: blinkchamber-snapshots
  serviceAccount: vault-snapshots
  namespace: {{ $namespace }}
  policy: |
    path "sys/storage/raft/snapshot" { capabilities = ["read"] }
{{- end }}
{{- end }}
{{- end }}

{{- /* The same with the policy of the one who converges, which is made of it. */ -}}
{{- define "blinkchamber.desiredFile" -}}
{{ include "blinkchamber.desired" . }}
ownPolicy:
  name: bootstrap
  text: |
    {{- include "blinkchamber.bootstrapPolicy" . | nindent 4 }}
{{- end }}

{{- /* Rendered workloads, file name to manifest: what the compiler reads. */ -}}
{{- define "blinkchamber.workloads" -}}
{{- if include "blinkchamber.ingress.byFile" . }}
ingress.yaml: |
  {{- include "blinkchamber.ingress.workload" . | nindent 2 }}
{{- end }}
{{- if .Values.demo.enabled }}
{{- range list "postgresql" "postgresql-client" "redis" "redis-client" }}
{{ . }}.yaml: |
  {{- include (printf "blinkchamber.demo.%s" .) $ | nindent 2 }}
{{- end }}
{{- end }}
{{- if (index .Values "postgresql-ha").enabled }}
{{- range concat (list "postgresql" "pgpool") (ternary (list "postgresql-backup") (list) (index .Values "postgresql-ha").backup.enabled) }}
{{ . }}.yaml: |
  {{- include (printf "blinkchamber.%s.workload" .) $ | nindent 2 }}
{{- end }}
{{- end }}
{{- if .Values.zitadel.enabled }}
{{- range list "zitadel" "zitadel-setup" }}
{{ . }}.yaml: |
  {{- include (printf "blinkchamber.%s.workload" .) $ | nindent 2 }}
{{- end }}
{{- end }}
{{- if include "blinkchamber.events.enabled" . }}
zitadel-events.yaml: |
  {{- include "blinkchamber.zitadel-events.workload" . | nindent 2 }}
{{- end }}
{{- if .Values.redis.enabled }}
{{- range ternary (list "redis-master" "redis-replica" "redis-sentinel" "redis-haproxy") (list "redis-master" "redis-sentinel" "redis-haproxy") (gt (int .Values.redis.replica.replicaCount) 0) }}
{{ . }}.yaml: |
  {{- include (printf "blinkchamber.%s.workload" .) $ | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
