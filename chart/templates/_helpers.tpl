{{- /* Labels of every object. Argument: (list root component). */ -}}
{{- define "blinkchamber.labels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/part-of: blinkchamber-platform
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{- /* What selects the pods of a component, for ever. Argument: component. */ -}}
{{- define "blinkchamber.selector" -}}
app.kubernetes.io/component: {{ . }}
app.kubernetes.io/part-of: blinkchamber-platform
{{- end }}

{{- /* Labels of a component's pods: no version, or every chart change would restart them. Argument: (list root component). */ -}}
{{- define "blinkchamber.podLabels" -}}
app.kubernetes.io/name: {{ index . 1 }}
{{ include "blinkchamber.selector" (index . 1) }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end }}

{{- /* Image reference. Argument: (list root key name). */ -}}
{{- define "blinkchamber.image" -}}
{{- $root := index . 0 -}}
{{- $images := $root.Values.images -}}
{{- index $images (index . 1) | default (printf "%s/%s:%s" $images.registry (index . 2) ($images.tag | default $root.Chart.AppVersion)) -}}
{{- end }}

{{- /* PodSecurity "restricted". */ -}}
{{- define "blinkchamber.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "blinkchamber.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* One pod a node, as far as there are nodes. Argument: component. */ -}}
{{- define "blinkchamber.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "blinkchamber.selector" . | nindent 6 }}
- maxSkew: 1
  topologyKey: topology.kubernetes.io/zone
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "blinkchamber.selector" . | nindent 6 }}
{{- end }}

{{- /* "true" when OpenBao is reached by https, else nothing. */ -}}
{{- define "blinkchamber.tls" -}}
{{- $vault := .Values.vault -}}
{{- if ternary $vault.server.tls.enabled (hasPrefix "https://" $vault.external.address) $vault.enabled }}true{{ end -}}
{{- end }}

{{- /* "true" when the members make their certificates themselves, of the static seal's key, and publish the authority. */ -}}
{{- define "blinkchamber.ownTls" -}}
{{- $server := .Values.vault.server -}}
{{- if and .Values.vault.enabled $server.tls.enabled (eq $server.seal.type "static") (not $server.tls.volume) }}true{{ end -}}
{{- end }}

{{- /* Path of the static seal's key in a member. */ -}}
{{- define "blinkchamber.sealKey" -}}
{{ ternary "/data/seal.key" "/seal/seal.key" (eq .Values.vault.server.seal.static.keyFile "volume") }}
{{- end }}

{{- /* How a program of ours finds the authority: an entry of env. */ -}}
{{- define "blinkchamber.caEnv" -}}
{{- if include "blinkchamber.ownTls" . }}
- {name: BLINKCHAMBER_VAULT_CA_CONFIG_MAP, value: {{ .Release.Namespace }}/vault-ca}
{{- else if include "blinkchamber.tls" . }}
- {name: BLINKCHAMBER_VAULT_CA_FILE, value: {{ include "blinkchamber.caFile" . }}}
{{- end }}
{{- end }}

{{- /* The authority's PEM, where the values hold it. */ -}}
{{- define "blinkchamber.ca" -}}
{{- $vault := .Values.vault -}}
{{- if $vault.enabled -}}
{{- if not $vault.server.tls.volume }}
{{- fail "vault.server.tls.volume: must name the volume that holds the certificate and its key: only with the static seal do members make their own" }}
{{- end -}}
{{ required "vault.server.tls.ca: must hold the PEM of the authority when vault.server.tls.enabled is true" $vault.server.tls.ca }}
{{- else -}}
{{ required "vault.external.ca: must hold the PEM of the authority when vault.external.address begins with https" $vault.external.ca }}
{{- end -}}
{{- end }}

{{- /* "true" when the server initialises itself: OpenBao of ours, with a seal that opens without people. */ -}}
{{- define "blinkchamber.selfInitializes" -}}
{{- $server := .Values.vault.server -}}
{{- if and .Values.vault.enabled (eq $server.product "openbao") (ne $server.seal.type "shamir") }}true{{ end -}}
{{- end }}

{{- /* Egress rules that let a pod reach OpenBao. */ -}}
{{- define "blinkchamber.vaultEgress" -}}
{{- if .Values.vault.enabled }}
- to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .Release.Namespace }}}}
      podSelector: {matchLabels: {app.kubernetes.io/component: vault, app.kubernetes.io/part-of: blinkchamber-platform}}
  ports: [{port: 8200}]
{{- else }}
# A server of yours, which no selector names.
{{- $port := regexFind ":[0-9]+$" (urlParse .Values.vault.external.address).host | trimPrefix ":" }}
- ports: [{port: {{ $port | default (ternary "443" "80" (hasPrefix "https://" .Values.vault.external.address)) }}}]
{{- end }}
{{- end }}

{{- /* What the agents of the platform's pods in a namespace need. Argument: (list root namespace). */ -}}
{{- define "blinkchamber.agentsPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: agents
  namespace: {{ index . 1 }}
  labels: {{- include "blinkchamber.labels" (list (index . 0) "network") | nindent 4 }}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/part-of: blinkchamber-platform}}
  policyTypes: [Egress]
  egress:
    {{- include "blinkchamber.vaultEgress" (index . 0) | nindent 4 }}
{{- end }}

{{- define "blinkchamber.scheme" -}}
{{- ternary "https" "http" (eq (include "blinkchamber.tls" .) "true") -}}
{{- end }}

{{- define "blinkchamber.vaultAddress" -}}
{{- if .Values.vault.enabled -}}
{{ include "blinkchamber.scheme" . }}://vault.{{ .Release.Namespace }}.svc:8200
{{- else -}}
{{ required "vault.external.address: must be the URL of your server when vault.enabled is false" .Values.vault.external.address }}
{{- end -}}
{{- end }}

{{- /* Where a pod of the platform finds the authority of OpenBao's certificate. */ -}}
{{- define "blinkchamber.caFile" -}}
/run/vault-ca/ca.crt
{{- end }}

{{- define "blinkchamber.caMount" -}}
{{- if and (include "blinkchamber.tls" .) (not (include "blinkchamber.ownTls" .)) }}
- {name: vault-ca, mountPath: /run/vault-ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "blinkchamber.caVolume" -}}
{{- if and (include "blinkchamber.tls" .) (not (include "blinkchamber.ownTls" .)) }}
- {name: vault-ca, configMap: {name: vault-ca}}
{{- end }}
{{- end }}

{{- /* Tokens of a pod that logs in to OpenBao and asks the API server; they are mounted below /run. */ -}}
{{- define "blinkchamber.loginVolumes" -}}
- name: vault-token
  projected:
    sources:
      - serviceAccountToken: {audience: {{ .Values.agent.tokenAudience | quote }}, path: token, expirationSeconds: 600}
{{ include "blinkchamber.apiVolume" . }}
{{- end }}

{{- /* The token alone of a pod that asks the API server. */ -}}
{{- define "blinkchamber.apiVolume" -}}
- name: api
  projected:
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 600}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}

{{- define "blinkchamber.nodeChoice" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
