{{- /* "true" when there is an ingress controller, ours or another. */ -}}
{{- define "blinkchamber.ingress.enabled" -}}
{{- $ingress := index .Values "nginx-ingress" -}}
{{- if or $ingress.enabled $ingress.external }}true{{ end -}}
{{- end }}

{{- /* "true" when cert-manager makes the certificate of ZITADEL's name. */ -}}
{{- define "blinkchamber.ingress.byCertManager" -}}
{{- $manager := index .Values "cert-manager" -}}
{{- if or $manager.enabled $manager.external }}true{{ end -}}
{{- end }}

{{- /* "true" when our controller reads a certificate that its agent writes. F5's keeps files of its own in the only
       directory where it looks for certificates, so it takes Secrets. */ -}}
{{- define "blinkchamber.ingress.byFile" -}}
{{- $ingress := index .Values "nginx-ingress" -}}
{{- if and $ingress.enabled (not (include "blinkchamber.ingress.byCertManager" .)) }}
{{- if eq $ingress.controller "f5" }}
{{- fail "nginx-ingress.controller: f5 reads certificates from Kubernetes Secrets only; accept that with cert-manager.enabled (or cert-manager.external), or take traefik" }}
{{- end }}true{{ end -}}
{{- end }}

{{- define "blinkchamber.ingress.names" -}}
{{- concat (list .Values.zitadel.externalDomain) (index .Values "nginx-ingress").hosts | uniq | toJson -}}
{{- end }}

{{- define "blinkchamber.ingress.pkiRoles" -}}
- name: ingress
  allowedDomains: {{ include "blinkchamber.ingress.names" . }}
  maxTtl: {{ (index .Values "nginx-ingress").certificate.ttl | quote }}
{{- end }}

{{- /* What Traefik's agent writes. Certificate, chain and key are one file: no reader sees two that do not match. tls.yaml
       tells Traefik of it, and a change of any file in the directory makes it look again. */ -}}
{{- define "blinkchamber.ingress.annotations" -}}
{{- $names := include "blinkchamber.ingress.names" . | fromJsonArray -}}
{{- $ttl := (index .Values "nginx-ingress").certificate.ttl -}}
{{- $pki := .Values.bootstrap.pki.mount -}}
{{ include "blinkchamber.agentInject" . }}
vault.hashicorp.com/role: ingress-role
vault.hashicorp.com/agent-inject-secret-default.pem: {{ $pki }}/issue/ingress
vault.hashicorp.com/agent-inject-template-default.pem: |
  {{ printf `{{ with pkiCert "%s/issue/ingress" "common_name=%s" "alt_names=%s" "ttl=%s" }}{{ .Cert }}{{ .CA }}{{ .Key }}{{ end }}` $pki (first $names) (join "," $names) $ttl }}
vault.hashicorp.com/agent-inject-perms-default.pem: "0400"
vault.hashicorp.com/agent-inject-secret-tls.yaml: {{ $pki }}/cert/ca
vault.hashicorp.com/agent-inject-template-tls.yaml: |
  tls:
    stores:
      default:
        defaultCertificate: {certFile: /vault/secrets/default.pem, keyFile: /vault/secrets/default.pem}
{{- end }}

{{- /* What the compiler reads: the controller's Deployment as far as secrets go. chart-infra makes the real one. */ -}}
{{- define "blinkchamber.ingress.workload" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ingress
  namespace: {{ include "blinkchamber.infraNamespace" . }}
spec:
  selector:
    matchLabels: {app: ingress}
  template:
    metadata:
      labels: {app: ingress}
      annotations: {{- include "blinkchamber.ingress.annotations" . | nindent 8 }}
    spec:
      serviceAccountName: ingress
      containers:
        - {name: ingress, image: traefik}
{{- end }}

{{- define "blinkchamber.infraNamespace" -}}
infra
{{- end }}

{{- /* The controller's pods, as peers of a NetworkPolicy: ours by their names; another one may be any in its namespace. */ -}}
{{- define "blinkchamber.ingress.peers" -}}
{{- $ingress := index .Values "nginx-ingress" -}}
- namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ include "blinkchamber.infraNamespace" . }}}}
  {{- if $ingress.enabled }}
  podSelector: {matchLabels: {app.kubernetes.io/name: {{ ternary "nginx-ingress" "traefik" (eq $ingress.controller "f5") }}}}
  {{- end }}
{{- end }}

{{- /* Values of chart-infra that follow from this chart's. */ -}}
{{- define "blinkchamber.ingress.infraValues" -}}
{{- $ingress := index .Values "nginx-ingress" -}}
{{- $manager := index .Values "cert-manager" -}}
networkPolicies:
  enabled: {{ .Values.networkPolicies.enabled }}
  vault:
    {{- include "blinkchamber.vaultEgress" . | nindent 4 }}
  backends:
    {{- if .Values.zitadel.enabled }}
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ include "blinkchamber.identityNamespace" . }}}}
          podSelector:
            matchLabels: {{- include "blinkchamber.selector" "zitadel" | nindent 14 }}
      ports: [{port: 8080}]
    {{- end }}
    {{- if include "blinkchamber.ingress.byCertManager" . }}
    # What answers an authority for a name, in the namespace of its certificate.
    - to:
        - namespaceSelector: {}
          podSelector: {matchLabels: {acme.cert-manager.io/http01-solver: "true"}}
      ports: [{port: 8089}]
    {{- end }}
    {{- with $ingress.backends }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  scrapers: {{ .Values.metrics.scrapers | toJson }}
cert-manager:
  enabled: {{ $manager.enabled }}
traefik:
  enabled: {{ and $ingress.enabled (eq $ingress.controller "traefik") }}
  deployment:
    replicas: {{ $ingress.replicaCount }}
    {{- if and (include "blinkchamber.ingress.byFile" .) (include "blinkchamber.metrics.ofAgents" .) }}
    podLabels: {blinkchamber.io/agent-metrics: "true"}
    {{- end }}
    {{- if include "blinkchamber.ingress.byFile" . }}
    podAnnotations:
      {{- /* Traefik's chart reads annotations as templates; the agent's must come through it. */}}
      {{- range $name, $value := include "blinkchamber.ingress.annotations" . | fromYaml }}
      {{ $name }}: {{ $value | replace "{{" "\u0001" | replace "}}" "{{ `}}` }}" | replace "\u0001" "{{ `{{` }}" | toJson }}
      {{- end }}
    {{- end }}
  {{- if include "blinkchamber.ingress.byFile" . }}
  additionalArguments: [--providers.file.directory=/vault/secrets]
  {{- end }}
  providers:
    kubernetesIngressNGINX:
      enabled: true
      ingressClass: {{ $ingress.className }}
  ingressClass: {name: {{ $ingress.className }}}
  service:
    spec: {type: {{ $ingress.serviceType }}}
nginx-ingress:
  enabled: {{ and $ingress.enabled (eq $ingress.controller "f5") }}
  controller:
    replicaCount: {{ $ingress.replicaCount }}
    ingressClass: {name: {{ $ingress.className }}}
    service: {type: {{ $ingress.serviceType }}}
{{- end }}
