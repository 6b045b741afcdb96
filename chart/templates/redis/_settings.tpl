{{- /* A group by number, or the last one where there are fewer. Argument: (list root number). */ -}}
{{- define "blinkchamber.redis.group" -}}
{{- min (index . 1) (sub (int (index . 0).Values.redis.master.count) 1) -}}
{{- end }}

{{- /* Where applications find the master of a group, host:port: ours through HAProxy, or the one that the values name.
       Argument: (list root number). */ -}}
{{- define "blinkchamber.redis.address" -}}
{{- $root := index . 0 -}}
{{- $redis := $root.Values.redis -}}
{{- if not $redis.enabled -}}
{{ $redis.external.host }}:{{ $redis.external.port }}
{{- else if eq (int (index . 1)) 0 -}}
redis-master.{{ include "blinkchamber.databaseNamespace" $root }}.svc:6379
{{- else -}}
redis-group-{{ include "blinkchamber.redis.group" . }}.{{ include "blinkchamber.databaseNamespace" $root }}.svc:6379
{{- end -}}
{{- end }}

{{- define "blinkchamber.redis.domain" -}}
{{ include "blinkchamber.databaseNamespace" . }}.svc
{{- end }}

{{- /* Every Redis and Sentinel, a JSON list. */ -}}
{{- define "blinkchamber.redis.pods" -}}
{{- $redis := .Values.redis -}}
{{- $pods := list -}}
{{- range until (int $redis.master.count) }}{{ $pods = append $pods (printf "redis-master-%d" .) }}{{ end -}}
{{- range until (int $redis.replica.replicaCount) }}{{ $pods = append $pods (printf "redis-replica-%d" .) }}{{ end -}}
{{- range until (int $redis.sentinel.replicaCount) }}{{ $pods = append $pods (printf "redis-sentinel-%d" .) }}{{ end -}}
{{- $pods | toJson -}}
{{- end }}

{{- /* Names that a certificate of Redis holds, a JSON list: each pod answers to all of them, for a client is led to any. */ -}}
{{- define "blinkchamber.redis.names" -}}
{{- $names := concat (list "redis-master" "redis-sentinel") (include "blinkchamber.redis.pods" . | fromJsonArray) -}}
{{- range until (int .Values.redis.master.count) }}{{ $names = append $names (printf "redis-group-%d" .) }}{{ end -}}
{{- $all := list }}
{{- range $names }}
{{- $all = concat $all (list (printf "%s.%s" . (include "blinkchamber.redis.domain" $)) (printf "%s.%s.cluster.local" . (include "blinkchamber.redis.domain" $))) }}
{{- end }}
{{- $all | toJson -}}
{{- end }}

{{- /* Users of the servers themselves; each client has a secret of its own, so that who may read one has no other. */ -}}
{{- define "blinkchamber.redis.secrets" -}}
- path: secret/data/redis
  keys: {admin: {length: 40}, replica: {length: 40}, sentinel: {length: 40}, peers: {length: 40}}
{{- range .Values.redis.users }}
- path: secret/data/redis/{{ .name }}
  keys: { {{- .name }}: {length: 40}}
{{- end }}
{{- end }}

{{- define "blinkchamber.redis.rotations" -}}
{{- range list "admin" "replica" "sentinel" "peers" }}
- {name: redis-{{ . }}, path: secret/data/redis, overlap: {key: {{ . }}}, grace: {{ $.Values.redis.rotation.graceSeconds }}s}
{{- end }}
{{- range .Values.redis.users }}
- {name: redis-{{ .name }}, path: secret/data/redis/{{ .name }}, overlap: {key: {{ .name }}}, grace: {{ $.Values.redis.rotation.graceSeconds }}s}
{{- end }}
{{- end }}

{{- define "blinkchamber.redis.pkiRoles" -}}
- name: redis
  allowedDomains: {{ include "blinkchamber.redis.names" . }}
  maxTtl: {{ .Values.redis.certificates.ttl | quote }}
{{- end }}

{{- /* Verifiers of both passwords that a user may have during a rotation. Argument: key. */ -}}
{{- define "blinkchamber.redis.verifiers" -}}
{{ printf `#{{ index .Data.data %q | sha256Hex }}{{ with index .Data.data "%s-previous" }} #{{ . | sha256Hex }}{{ end }}` . . }}
{{- end }}

{{- /* Users of a Redis server; it needs no clear text of its clients. The health check's user may do nothing that is
       worth a password. */ -}}
{{- define "blinkchamber.redis.users" -}}
user default off
user health on nopass resetchannels -@all +ping +info|replication
{{`{{ with secret "secret/data/redis" -}}`}}
user admin on {{ include "blinkchamber.redis.verifiers" "admin" }} ~* &* +@all
user replica on {{ include "blinkchamber.redis.verifiers" "replica" }} resetchannels -@all +psync +replconf +ping
user sentinel on {{ include "blinkchamber.redis.verifiers" "sentinel" }} allchannels -@all +multi +exec +slaveof +ping +subscribe +publish +info +role +config|rewrite +client|setname +client|kill +script|kill
{{`{{- end }}`}}
{{- range .Values.redis.users }}
{{- $groups := list }}
{{- range .groups }}{{ $groups = append $groups (include "blinkchamber.redis.group" (list $ .)) }}{{ end }}
{{ printf `{{ if env "HOSTNAME" | regexMatch "-(%s)$" }}{{ with secret "secret/data/redis/%s" -}}` (join "|" ($groups | uniq)) .name }}
user {{ .name }} on {{ include "blinkchamber.redis.verifiers" .name }} {{ .rules }}
{{`{{- end }}{{ end }}`}}
{{- end }}
{{ end }}

{{- /* Users of a Sentinel. Who the master is, is no secret inside the namespace. */ -}}
{{- define "blinkchamber.redis.sentinelUsers" -}}
user default off
user health on nopass resetchannels -@all +ping +sentinel|master +sentinel|masters +sentinel|get-master-addr-by-name +sentinel|replicas +sentinel|sentinels
{{`{{ with secret "secret/data/redis" -}}`}}
user admin on {{ include "blinkchamber.redis.verifiers" "admin" }} ~* &* +@all
user peers on {{ include "blinkchamber.redis.verifiers" "peers" }} resetchannels &__sentinel__:hello -@all +ping +publish +client|setname +sentinel|is-master-down-by-addr
{{`{{- end }}`}}
{{ end }}

{{- /* Annotations of Redis and Sentinel. Argument: (list root role script clear), clear: keys that are needed as they are. */ -}}
{{- define "blinkchamber.redis.annotations" -}}
{{- $root := index . 0 -}}
{{- $script := index . 2 -}}
{{- $names := include "blinkchamber.redis.names" $root | fromJsonArray -}}
{{- $certificate := printf `with pkiCert "pki/issue/redis" "common_name=%s" "alt_names=%s" "ttl=%s"` (first $names) (join "," $names) $root.Values.redis.certificates.ttl -}}
kubectl.kubernetes.io/default-container: redis
checksum/scripts: {{ include "blinkchamber.redis.files" $root | sha256sum }}
{{ include "blinkchamber.agentAnnotations" $root }}
vault.hashicorp.com/role: {{ index . 1 }}
vault.hashicorp.com/template-static-secret-render-interval: 2s
{{- range index . 3 }}
vault.hashicorp.com/agent-inject-secret-{{ . }}: secret/data/redis
vault.hashicorp.com/agent-inject-template-{{ . }}: |-
  {{ printf `{{- with secret "secret/data/redis" }}{{ .Data.data.%s }}{{ end -}}` . }}
vault.hashicorp.com/error-on-missing-key-{{ . }}: "true"
blinkchamber.io/agent-reload-{{ . }}: signal:HUP:{{ $script }}
{{- end }}
vault.hashicorp.com/agent-inject-secret-tls.pem: pki/issue/redis
vault.hashicorp.com/agent-inject-template-tls.pem: |
  {{ printf `{{ %s }}{{ .Key }}{{ .Cert }}{{ end }}` $certificate }}
blinkchamber.io/agent-reload-tls.pem: signal:HUP:{{ $script }}
vault.hashicorp.com/agent-inject-secret-ca.pem: pki/issue/redis
vault.hashicorp.com/agent-inject-template-ca.pem: |
  {{ printf `{{ %s }}{{ .CA }}{{ end }}` $certificate }}
blinkchamber.io/agent-reload-ca.pem: signal:HUP:{{ $script }}
vault.hashicorp.com/error-on-missing-key-users.acl: "true"
blinkchamber.io/agent-reload-users.acl: signal:HUP:{{ $script }}
{{- end }}

{{- /* What the scripts are told. */ -}}
{{- define "blinkchamber.redis.env" -}}
{{- $redis := .Values.redis -}}
- {name: PATH, value: "/scripts:/usr/bin"}
- {name: DOMAIN, value: {{ include "blinkchamber.redis.domain" . }}}
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: PODS, value: {{ include "blinkchamber.redis.pods" . | fromJsonArray | join " " | quote }}}
- {name: REDIS_GROUPS, value: {{ $redis.master.count | quote }}}
- {name: SENTINELS, value: {{ $redis.sentinel.replicaCount | quote }}}
- {name: QUORUM, value: {{ add (div (int $redis.sentinel.replicaCount) 2) 1 | quote }}}
- {name: GRACE, value: {{ $redis.rotation.graceSeconds | quote }}}
- {name: EVENTS_HIGH, value: {{ include "blinkchamber.redis.group" (list . 1) | quote }}}
- {name: EVENTS_REST, value: {{ include "blinkchamber.redis.group" (list . 2) | quote }}}
{{- end }}

{{- /* Data of the ConfigMap with the scripts. */ -}}
{{- define "blinkchamber.redis.files" -}}
{{- range list "lib.sh" "redis.sh" "sentinel.sh" "redis-cli" "probe.sh" }}
{{ . }}: |
  {{- $.Files.Get (printf "files/redis/%s" .) | nindent 2 }}
{{- end }}
redis.conf: |
  {{- if .Values.redis.persistence.enabled }}
  appendonly yes
  appendfsync {{ .Values.redis.persistence.fsync }}
  {{- else }}
  save ""
  {{- end }}
  {{- range $name, $value := .Values.redis.parameters }}
  {{ $name }} {{ $value }}
  {{- end }}
{{- end }}

{{- define "blinkchamber.redis.proxyConfiguration" -}}
{{- $redis := .Values.redis -}}
global
  maxconn {{ $redis.proxy.maxClients }}
  nbthread 1
defaults
  mode tcp
  timeout connect 1s
  timeout check 1s
  timeout client 1h
  timeout server 1h
  option clitcpka
  option srvtcpka
  option tcp-check
  tcp-check connect ssl
  tcp-check send "AUTH health any\r\n"
  tcp-check expect string +OK
  tcp-check send "INFO replication\r\n"
  # Not ROLE: its answer on a replica holds the name of its master, which is redis-master-... And a master that refuses
  # writes, because it may have been replaced, is none: it has a rule of good replicas, and has none of them.
  tcp-check expect rstring "role:master\r\nconnected_slaves:[0-9]+\r\n(slave0|master_failover_state|min_slaves_good_slaves:[1-9])"
  default-server check check-ssl verify required ca-file /vault/secrets/ca.pem inter 1s fastinter 300ms downinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions init-addr last,libc,none
# A probe on a group's port would be led to Redis.
frontend alive
  mode http
  bind :8404
  timeout client 5s
  monitor-uri /alive
{{- if include "blinkchamber.metrics.scraped" . }}
frontend metrics
  mode http
  bind :8405
  timeout client 5s
  http-request deny unless { path /metrics }
  http-request use-service prometheus-exporter
{{- end }}
{{- $domain := include "blinkchamber.redis.domain" . }}
{{- range $group := until (int $redis.master.count) }}
# Clients speak TLS with Redis itself; nothing is opened on the way.
listen group-{{ $group }}
  bind :{{ add 6379 $group }}
  {{- range ternary (list "master" "replica") (list "master") (gt (int $redis.replica.replicaCount) 0) }}
  server {{ . }} redis-{{ . }}-{{ $group }}.{{ $domain }}:6379 verifyhost redis-{{ . }}-{{ $group }}.{{ $domain }}
  {{- end }}
{{- end }}
{{ end }}
