{{- /* What the demo asks of OpenBao beside its compiled policies. */ -}}
{{- define "blinkchamber.demo.secrets" -}}
- path: secret/data/postgres
  keys: {superuser: {length: 40}, vaultadmin: {length: 40}}
- path: secret/data/redis
  keys: {app: {length: 40}}
# Apart from the above: who may read the one has no business with the other.
- path: secret/data/redis-admin
  keys: {admin: {length: 40}}
{{- end }}

{{- define "blinkchamber.demo.databases" -}}
- mount: database
  connections:
    - name: demo
      plugin: postgresql-database-plugin
      url: {{`postgresql://{{username}}:{{password}}`}}@postgresql.{{ .Values.demo.namespace }}.svc:5432/postgres?sslmode=disable&connect_timeout=5
      username: vaultadmin
      firstPassword: {path: secret/data/postgres, key: vaultadmin}
      roles:
        - name: demo-app
          creation:
            - {{`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE demo`}}
          revocation:
            - {{`DROP ROLE IF EXISTS "{{name}}"`}}
          defaultTtl: {{ .Values.demo.credentials.defaultTtl | quote }}
          maxTtl: {{ .Values.demo.credentials.maxTtl | quote }}
{{- end }}

{{- /* Metadata and the parts of a pod that all demo pods share. */ -}}
{{- define "blinkchamber.demo.pod" -}}
enableServiceLinks: false
automountServiceAccountToken: false
# A pod that was made before the webhook was there waits here, and never starts without its agent.
schedulingGates: [{name: blinkchamber.io/injection}]
securityContext: {{- include "blinkchamber.podSecurity" . | nindent 2 }}
{{- end }}
