{{- /* server.hcl; the guard puts the pod's name where @POD_NAME@ stands. */ -}}
{{- define "blinkchamber.serverHcl" -}}
{{- $scheme := include "blinkchamber.scheme" . -}}
{{- $domain := printf "vault-internal.%s.svc" .Release.Namespace -}}
api_addr     = "{{ $scheme }}://@POD_NAME@.{{ $domain }}:8200"
cluster_addr = "https://@POD_NAME@.{{ $domain }}:8201"
log_level    = "{{ .Values.vault.server.logLevel }}"

{{- if .Values.metrics.openbao }}
telemetry {
  prometheus_retention_time = "30m"
  disable_hostname          = true
}

{{ end -}}
listener "tcp" {
  address = "0.0.0.0:8200"
{{- if .Values.metrics.openbao }}
  telemetry {
    unauthenticated_metrics_access = true
  }
{{- end }}
{{- if include "blinkchamber.ownTls" . }}
  tls_cert_file = "/run/bao/tls.pem"
  tls_key_file  = "/run/bao/tls.pem"
{{- else if include "blinkchamber.tls" . }}
  tls_cert_file = "/tls/{{ .Values.vault.server.tls.certFile }}"
  tls_key_file  = "/tls/{{ .Values.vault.server.tls.keyFile }}"
{{- else }}
  tls_disable = true
{{- end }}
}

storage "raft" {
  path    = "/data"
  node_id = "@POD_NAME@"

  # Heartbeats of 1 s: with the default of 5 a dead leader costs 6 to 7 s, with this 2 to 3.
  performance_multiplier = 1
{{- range $ordinal := until (int .Values.vault.server.ha.replicas) }}
  retry_join {
    leader_api_addr = "{{ $scheme }}://vault-{{ $ordinal }}.{{ $domain }}:8200"
{{- if include "blinkchamber.tls" $ }}
    leader_ca_cert_file = "{{ include "blinkchamber.memberCaFile" $ }}"
{{- end }}
  }
{{- end }}
}
{{- with .Values.vault.server.seal }}
{{- if eq .type "static" }}

seal "static" {
  current_key_id = "{{ .static.keyId }}"
  current_key    = "file://{{ include "blinkchamber.sealKey" $ }}"
}
{{- else if eq .type "raw" }}

{{ required "vault.server.seal.raw: must hold the seal stanza when vault.server.seal.type is raw" .raw | trim }}
{{- end }}
{{- end }}
{{- if eq .Values.vault.server.product "vault" }}

# Memory may not be locked in a container without that right; raft wants this said.
disable_mlock = true
{{- end }}

service_registration "kubernetes" {}
{{- if eq .Values.vault.server.product "openbao" }}

audit "file" "stdout" {
  options {
    file_path = "stdout"
  }
}
{{- end }}
{{ end }}

{{- /* Where a member finds the authority of the others' certificates. */ -}}
{{- define "blinkchamber.memberCaFile" -}}
{{- if include "blinkchamber.ownTls" . }}/run/bao/ca.crt{{ else }}{{ include "blinkchamber.caFile" . }}{{ end }}
{{- end }}

{{- /* What the very first start does, in one pod, once: let the bootstrap job in. Everything else is the job's. */ -}}
{{- define "blinkchamber.initializeHcl" -}}
initialize "first" {
  request "auth" {
    operation = "update"
    path      = "sys/auth/kubernetes"
    data      = { type = "kubernetes" }
  }
  request "reviewer" {
    operation = "update"
    path      = "auth/kubernetes/config"
    data      = { kubernetes_host = "https://kubernetes.default.svc" }
  }
  request "policy" {
    operation = "update"
    path      = "sys/policies/acl/bootstrap"
    data      = {
      policy = <<-EOT
{{ include "blinkchamber.bootstrapPolicy" . | indent 8 }}
      EOT
    }
  }
  request "role" {
    operation = "update"
    path      = "auth/kubernetes/role/bootstrap"
    data      = {
      bound_service_account_names      = ["blinkchamber-bootstrap"]
      bound_service_account_namespaces = ["{{ .Release.Namespace }}"]
      audience                         = "{{ .Values.agent.tokenAudience }}"
      token_policies                   = ["bootstrap"]
      token_ttl                        = "15m"
      token_max_ttl                    = "15m"
    }
  }
}
{{ end }}

{{- /*
The job's own policy. It makes mounts but never removes one, makes secrets but cannot overwrite or (beside the first
passwords of database administrators) read one. Who may write policies and roles can give anything to anybody, itself included: that is the job's purpose, and why its
role is bound to one account and lives 15 minutes. Its own policy follows the chart, so that an upgrade may name a new mount.
*/ -}}
{{- define "blinkchamber.bootstrapPolicy" -}}
{{- $desired := include "blinkchamber.desired" . | fromYaml -}}
# the mounts that the values name
{{- range $desired.kv }}
path "sys/mounts/{{ . }}" { capabilities = ["create", "read", "update"] }
{{- end }}
{{- range $desired.databases }}
path "sys/mounts/{{ .mount }}" { capabilities = ["create", "read", "update"] }
{{- end }}
{{- with $desired.pki }}
path "sys/mounts/{{ .mount }}" { capabilities = ["create", "read", "update"] }
# the root of the platform's certificates, made once, and who may have which
path "{{ .mount }}/issuers" { capabilities = ["list"] }
path "{{ .mount }}/root/generate/internal" { capabilities = ["create", "update"] }
path "{{ .mount }}/roles/+" { capabilities = ["create", "read", "update"] }
{{- end }}
# policies and roles of workloads and operators
path "sys/policies/acl" { capabilities = ["list"] }
path "sys/policies/acl/+" { capabilities = ["create", "read", "update", "delete"] }
path "sys/policies/acl/bootstrap" { capabilities = ["read", "update"] }
path "auth/kubernetes/config" { capabilities = ["read"] }
path "auth/kubernetes/role" { capabilities = ["list"] }
path "auth/kubernetes/role/+" { capabilities = ["create", "read", "update", "delete"] }
path "auth/kubernetes/role/bootstrap" { capabilities = ["read"] }
# first secrets: make one, and see whether one is there
{{- range $desired.kv }}
path "{{ . }}/data/*" { capabilities = ["create"] }
path "{{ . }}/metadata/*" { capabilities = ["read"] }
{{- end }}
# database engines, and the passwords that an administrator begins with
{{- range $database := $desired.databases }}
path "{{ .mount }}/config/+" { capabilities = ["create", "read", "update"] }
path "{{ .mount }}/rotate-root/+" { capabilities = ["create", "update"] }
path "{{ .mount }}/roles/+" { capabilities = ["create", "read", "update"] }
{{- range .connections }}
path "{{ .firstPassword.path }}" { capabilities = ["create", "read"] }
{{- end }}
{{- end }}
{{- end }}

{{- /* What a member's certificate is made of. */ -}}
{{- define "blinkchamber.tlsEnv" -}}
{{- $service := printf "vault.%s" .Release.Namespace -}}
- {name: BLINKCHAMBER_TLS_SEAL_KEY_FILE, value: {{ include "blinkchamber.sealKey" . }}}
- {name: BLINKCHAMBER_TLS_NAMES, value: "vault,{{ $service }},{{ $service }}.svc,{{ $service }}.svc.cluster.local,$(BLINKCHAMBER_POD_NAME).vault-internal.{{ .Release.Namespace }}.svc,localhost,127.0.0.1"}
- {name: BLINKCHAMBER_TLS_LIFETIME, value: {{ .Values.vault.server.tls.lifetime }}}
- {name: BLINKCHAMBER_TLS_FILE, value: /run/bao/tls.pem}
- {name: BLINKCHAMBER_TLS_CA_FILE, value: /run/bao/ca.crt}
{{- end }}
