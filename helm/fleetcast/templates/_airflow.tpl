{{/* What Airflow's components share. */}}

{{- define "fleetcast.airflowConfigName" -}}
{{- include "fleetcast.fullname" . -}}-airflow
{{- end -}}

{{/* Secrets as Airflow's variables. Call with (dict "root" $ "keys" (list "fernet-key" ...)). */}}
{{- define "fleetcast.airflowSecrets" -}}
{{- $variables := dict "fernet-key" "AIRFLOW__CORE__FERNET_KEY" "jwt-secret" "AIRFLOW__API_AUTH__JWT_SECRET" "api-secret-key" "AIRFLOW__API__SECRET_KEY" -}}
- name: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
  valueFrom:
    secretKeyRef: {name: {{ include "fleetcast.postgresSecret" .root }}, key: AIRFLOW_DATABASE_URL}
{{- range .keys }}
- name: {{ get $variables . }}
  valueFrom:
    secretKeyRef: {name: {{ include "fleetcast.airflowSecret" $.root }}, key: {{ . }}}
{{- end }}
{{- end -}}

{{- define "fleetcast.airflowMounts" -}}
- {name: airflow-home, mountPath: /opt/airflow}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "fleetcast.airflowVolumes" -}}
- name: airflow-home
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{- end -}}

{{- define "fleetcast.airflowChecksums" -}}
checksum/config: {{ include (print .Template.BasePath "/airflow-configmap.yaml") . | sha256sum }}
{{- end -}}

{{/*
Waits for the database and its migration, so that a component starts once and not in a loop. Without a database it ends
after half a minute, so that what Kubernetes keeps of its end says why, and is started again.
*/}}
{{- define "fleetcast.awaitMigration" -}}
- name: await-migration
  image: {{ include "fleetcast.image" (dict "root" . "image" "airflow") }}
  imagePullPolicy: {{ .Values.images.pullPolicy }}
  terminationMessagePolicy: FallbackToLogsOnError
  command: [sh, -c]
  args:
    - >-
      airflow db check --retry 6 --retry-delay 5
      && exec airflow db check-migrations --migration-wait-timeout {{ .Values.airflow.migration.timeoutSeconds | int }}
  envFrom:
    - configMapRef: {name: {{ include "fleetcast.airflowConfigName" . }}}
  env: {{- include "fleetcast.airflowSecrets" (dict "root" . "keys" (list "fernet-key")) | nindent 4 }}
  securityContext: {{- include "fleetcast.containerSecurity" . | nindent 4 }}
  resources: {{- toYaml .Values.airflow.migration.resources | nindent 4 }}
  volumeMounts: {{- include "fleetcast.airflowMounts" . | nindent 4 }}
{{- end -}}

{{/* A node pool with what it does not say as in `default`, as JSON. Call with (dict "root" $ "name" "training"). */}}
{{- define "fleetcast.effectivePool" -}}
{{- $pools := .root.Values.nodePools -}}
{{- mergeOverwrite (deepCopy $pools.default) (deepCopy (get $pools .name | default dict)) | toJson -}}
{{- end -}}

{{/* The same in the words of fleetcast.settings.NodePool. */}}
{{- define "fleetcast.nodePool" -}}
{{- $pool := include "fleetcast.effectivePool" . | fromJson -}}
{{- $requests := $pool.resources.requests -}}
{{- $limits := $pool.resources.limits -}}
{{- $fields := dict "cpu" (int $limits.cpu) "memory" (include "fleetcast.plain" $limits.memory) -}}
{{- $_ := set $fields "cpu_request" (include "fleetcast.plain" $requests.cpu) -}}
{{- $_ := set $fields "memory_request" (include "fleetcast.plain" $requests.memory) -}}
{{- $_ := set $fields "gpu" (int $pool.gpu) -}}
{{- $_ := set $fields "node_selector" $pool.selector -}}
{{- $_ := set $fields "tolerations" $pool.tolerations -}}
{{- $_ := set $fields "schedule_seconds" (int $pool.scheduleTimeoutSeconds) -}}
{{- $_ := set $fields "startup_seconds" (int $pool.startupTimeoutSeconds) -}}
{{- $_ := set $fields "deadline_seconds" (int $pool.deadlineSeconds) -}}
{{- $_ := set $fields "grace_seconds" (int $pool.graceSeconds) -}}
{{- $_ := set $fields "max_pods" (int $pool.maxPods) -}}
{{- if .root.Values.priorityClasses.create -}}
{{- $_ := set $fields "priority_class" (printf "%s-training" (include "fleetcast.clusterName" .root)) -}}
{{- end -}}
{{- toJson $fields -}}
{{- end -}}

{{- define "fleetcast.nodePools" -}}
{{- $pools := dict -}}
{{- range $name, $_ := .Values.nodePools -}}
{{- $_ := set $pools $name (include "fleetcast.nodePool" (dict "root" $ "name" $name) | fromJson) -}}
{{- end -}}
{{- toJson $pools -}}
{{- end -}}

{{/* What a job's container gets beside its credentials. */}}
{{- define "fleetcast.jobEnvironment" -}}
{{- $environment := dict "AWS_DEFAULT_REGION" .Values.objectStore.region "MLFLOW_TRACKING_URI" (include "fleetcast.trackingUri" .) -}}
{{- with include "fleetcast.storeEndpoint" . -}}
{{- $_ := set $environment "AWS_ENDPOINT_URL" . -}}
{{- end -}}
{{- if include "fleetcast.servesStudies" . }}{{ $_ := set $environment "FLEETCAST_STUDIES_URL" (include "fleetcast.studiesUrl" .) }}{{ end -}}
{{- toJson $environment -}}
{{- end -}}

{{/* FLEETCAST_* of every process that reads the DAGs: one definition for the chart and for an Airflow elsewhere. */}}
{{- define "fleetcast.settings" -}}
FLEETCAST_ENVIRONMENT: {{ .Values.environment | quote }}
FLEETCAST_RUNTIME: kubernetes
FLEETCAST_STORE: {{ include "fleetcast.storeUri" . | quote }}
FLEETCAST_IMAGE: {{ include "fleetcast.image" (dict "root" . "image" "trainer") | quote }}
FLEETCAST_SEQUENCE_IMAGE: {{ include "fleetcast.image" (dict "root" . "image" "sequence") | quote }}
FLEETCAST_NAMESPACE: {{ include "fleetcast.trainingNamespace" . | quote }}
FLEETCAST_MLFLOW_UI: {{ .Values.mlflow.uiUrl | quote }}
FLEETCAST_PRESET: {{ .Values.preset | quote }}
FLEETCAST_BARS: {{ .Values.bars | quote }}
FLEETCAST_LIGHTGBM_DEVICE: {{ .Values.lightgbmDevice }}
FLEETCAST_SEQUENCE_DEVICE: {{ .Values.sequenceDevice }}
FLEETCAST_PANEL: {{ .Values.panel | quote }}
FLEETCAST_VARIANTS_PER_POD: {{ .Values.variantsPerPod | int | quote }}
FLEETCAST_TUNE: {{ .Values.tune | quote }}
FLEETCAST_FAMILIES_PER_POD: {{ .Values.familiesPerPod | int | quote }}
FLEETCAST_WORKERS_PER_FAMILY: {{ .Values.workersPerFamily | int | quote }}
FLEETCAST_RETRIES: {{ .Values.retries | int | quote }}
FLEETCAST_RETRY_DELAY_SECONDS: {{ .Values.retryDelaySeconds | int | quote }}
FLEETCAST_POD_RELEASE: {{ include "fleetcast.podRelease" . | quote }}
FLEETCAST_POD_SERVICE_ACCOUNT: {{ include "fleetcast.fullname" . }}-trainer
FLEETCAST_POD_USER_ID: "50000"
FLEETCAST_POD_IMAGE_PULL_POLICY: {{ .Values.images.pullPolicy }}
FLEETCAST_POD_IMAGE_PULL_SECRETS: {{ .Values.images.pullSecrets | toJson | quote }}
FLEETCAST_POD_ENVIRONMENT: {{ include "fleetcast.jobEnvironment" . | quote }}
FLEETCAST_POD_ENVIRONMENT_SECRETS: {{ compact (list (include "fleetcast.storeSecret" .)) | toJson | quote }}
FLEETCAST_POD_JOB_SECRETS: {{ include "fleetcast.jobSecrets" . | quote }}
FLEETCAST_POD_NODE_POOLS: {{ include "fleetcast.nodePools" . | quote }}
FLEETCAST_POD_JOB_POOLS: {{ .Values.jobPools | toJson | quote }}
FLEETCAST_POD_POLL_SECONDS: {{ include "fleetcast.plain" .Values.pollSeconds | quote }}
FLEETCAST_POD_FAILED_TTL_SECONDS: {{ .Values.failedPodsTtlSeconds | int | quote }}
{{- end -}}

{{/* Airflow's own check of a component's heartbeat. It imports Airflow, seconds of CPU: seldom, and with patience. */}}
{{- define "fleetcast.jobCheck" -}}
startupProbe:
  exec:
    command: [airflow, jobs, check, --job-type, {{ . }}, --local]
  initialDelaySeconds: 10
  periodSeconds: 15
  timeoutSeconds: 60
  failureThreshold: 20
livenessProbe:
  exec:
    command: [airflow, jobs, check, --job-type, {{ . }}, --local]
  periodSeconds: 180
  timeoutSeconds: 60
  failureThreshold: 3
{{- end -}}

{{/* Airflow's pools, one a node pool, in the form that `airflow pools import` reads. */}}
{{- define "fleetcast.airflowPools" -}}
{{- $pools := dict -}}
{{- range $name, $_ := .Values.nodePools -}}
{{- $pool := include "fleetcast.effectivePool" (dict "root" $ "name" $name) | fromJson -}}
{{- $_ := set $pools $name (dict "slots" (int $pool.maxPods) "description" (printf "Pods of the node pool %s that live at a time" $name) "include_deferred" true) -}}
{{- end -}}
{{- toJson $pools -}}
{{- end -}}
