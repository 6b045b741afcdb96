{{- define "blinkchamber.zitadel.workload" -}}
{{- $values := .Values.zitadel -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: zitadel
  namespace: {{ include "blinkchamber.identityNamespace" . }}
  labels: {{- include "blinkchamber.labels" (list . "zitadel") | nindent 4 }}
spec:
  serviceName: zitadel-pods
  replicas: {{ $values.replicaCount }}
  # Its rollout must not wait for a pod that waits at its gate.
  podManagementPolicy: Parallel
  selector:
    matchLabels: {{- include "blinkchamber.selector" "zitadel" | nindent 6 }}
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "zitadel") | nindent 8 }}
      annotations:
        checksum/configuration: {{ include "blinkchamber.zitadel.configuration" . | sha256sum }}
        {{- include "blinkchamber.zitadel.annotations" (list . "zitadel-role") | nindent 8 }}
        # Whether the setup has put its tokens into OpenBao, not the tokens: without its tables ZITADEL would end again and
        # again.
        vault.hashicorp.com/agent-inject-secret-installed: secret/metadata/zitadel/pat
        vault.hashicorp.com/agent-inject-template-installed: |
          {{`{{- with secret "secret/metadata/zitadel/pat" }}{{ .Data.created_time }}{{ end -}}`}}
        vault.hashicorp.com/auth-max-backoff: 5s
        # It reads its files at its start only. One of them at a time ends and is started again by the kubelet; the Lease is
        # held until it is ready.
        blinkchamber.io/agent-reload-secrets.yaml: signal:TERM:zitadel
        blinkchamber.io/agent-reload-ca.crt: signal:TERM:zitadel
        blinkchamber.io/agent-reload-lease: zitadel-restart
        blinkchamber.io/agent-reload-ready-url: http://127.0.0.1:8080/debug/ready
    spec:
      serviceAccountName: zitadel
      {{- include "blinkchamber.zitadel.pod" . | nindent 6 }}
      topologySpreadConstraints: {{- include "blinkchamber.spread" "zitadel" | nindent 8 }}
      {{- include "blinkchamber.nodeChoice" $values | nindent 6 }}
      containers:
        - name: zitadel
          {{- include "blinkchamber.zitadel.container" . | nindent 10 }}
          args: [start, --config, /config/config.yaml, --config, /vault/secrets/secrets.yaml, --masterkeyFile, /vault/secrets/masterkey, --tlsMode, external]
          ports: [{name: http, containerPort: 8080}]
          readinessProbe:
            httpGet: {path: /debug/ready, port: http}
            periodSeconds: 2
            timeoutSeconds: 2
          livenessProbe:
            httpGet: {path: /debug/healthz, port: http}
            initialDelaySeconds: 60
            periodSeconds: 10
          volumeMounts:
            - {name: config, mountPath: /config, readOnly: true}
      volumes:
        - {name: config, configMap: {name: zitadel}}
{{- end }}

{{- /* Tables, migrations and the first instance. A Job cannot be changed, so one whose input changed is another Job. */ -}}
{{- define "blinkchamber.zitadel-setup.workload" -}}
{{- $values := .Values.zitadel -}}
{{- $input := include "blinkchamber.zitadel.configuration" . | cat (include "blinkchamber.zitadel.steps" .) .Values.images.zitadel .Values.images.platform .Values.images.tag (include "blinkchamber.agentAnnotations" .) }}
apiVersion: batch/v1
kind: Job
metadata:
  name: zitadel-setup-{{ $input | sha256sum | trunc 8 }}
  namespace: {{ include "blinkchamber.identityNamespace" . }}
  labels: {{- include "blinkchamber.labels" (list . "zitadel-setup") | nindent 4 }}
spec:
  backoffLimit: 20
  template:
    metadata:
      labels: {{- include "blinkchamber.agentPodLabels" (list . "zitadel-setup") | nindent 8 }}
      annotations:
        {{- include "blinkchamber.zitadel.annotations" (list . "zitadel-setup-role") | nindent 8 }}
        # Its own init containers read the files.
        vault.hashicorp.com/agent-init-first: "true"
    spec:
      restartPolicy: OnFailure
      serviceAccountName: zitadel-setup
      {{- include "blinkchamber.zitadel.pod" . | nindent 6 }}
      initContainers:
        - name: init
          {{- include "blinkchamber.zitadel.container" . | nindent 10 }}
          args: [init, zitadel, --config, /config/config.yaml, --config, /vault/secrets/secrets.yaml]
          volumeMounts:
            - {name: config, mountPath: /config, readOnly: true}
        - name: setup
          {{- include "blinkchamber.zitadel.container" . | nindent 10 }}
          args: [setup, --config, /config/config.yaml, --config, /vault/secrets/secrets.yaml, --steps, /config/steps.yaml, --masterkeyFile, /vault/secrets/masterkey]
          volumeMounts:
            - {name: config, mountPath: /config, readOnly: true}
            - {name: tokens, mountPath: /tokens}
      containers:
        - name: deposit
          image: {{ include "blinkchamber.image" (list . "platform" "blinkchamber") }}
          imagePullPolicy: {{ .Values.images.pullPolicy }}
          command: [/blinkchamber-bootstrap, deposit, --role=zitadel-tokens-role, --path=secret/data/zitadel/pat, --entry=admin=/tokens/admin, --entry=login-client=/tokens/login-client]
          env:
            - {name: BLINKCHAMBER_VAULT_ADDRESS, value: {{ include "blinkchamber.vaultAddress" . | quote }}}
            - {name: BLINKCHAMBER_TOKEN_FILE, value: /run/vault-token/token}
            {{- include "blinkchamber.caEnv" . | nindent 12 }}
          securityContext: {{- include "blinkchamber.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml .Values.bootstrap.resources | nindent 12 }}
          volumeMounts:
            - {name: tokens, mountPath: /tokens, readOnly: true}
            - {name: vault-token, mountPath: /run/vault-token, readOnly: true}
            - {name: api, mountPath: /run/api, readOnly: true}
            {{- include "blinkchamber.caMount" . | nindent 12 }}
      volumes:
        - {name: config, configMap: {name: zitadel}}
        - {name: tokens, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
        {{- include "blinkchamber.loginVolumes" . | nindent 8 }}
        {{- include "blinkchamber.caVolume" . | nindent 8 }}
{{- end }}
