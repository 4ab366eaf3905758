{{/* What our DAGs ask of any Airflow's configuration. */}}
{{- define "fleetcast.airflowNeeds" -}}
AIRFLOW__CORE__MAX_MAP_LENGTH: {{ .Values.airflow.maxMapLength | int | quote }}
# A supervisor may miss its task's end until its next heartbeat. At the default of 5 s a pod that ends soon is looked
# at again before its first look is over, which costs an attempt.
AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL: "1"
{{- end -}}

{{/* All variables of all of Airflow's components. */}}
{{- define "fleetcast.airflowConfig" -}}
{{ include "fleetcast.settings" . }}
{{ include "fleetcast.airflowNeeds" . }}
AIRFLOW__CORE__EXECUTOR: LocalExecutor
AIRFLOW__CORE__PARALLELISM: {{ .Values.airflow.parallelism | int | quote }}
AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG: "64"
AIRFLOW__CORE__EXECUTION_API_SERVER_URL: http://{{ include "fleetcast.fullname" . }}-api-server:8080/execution/
# The API server asks a pod for its running tasks' logs by address: pods have no names.
AIRFLOW__CORE__HOSTNAME_CALLABLE: airflow.utils.net.get_host_ip_address
AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE: /opt/airflow/passwords.json
{{- $users := list }}
{{- range .Values.airflow.users }}{{ $users = append $users (printf "%s:%s" .name .role) }}{{ end }}
AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS: {{ join "," $users | quote }}
AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK: "True"
# A scheduler that dies takes its tasks' processes along: they are tried again after so long, not after five minutes.
AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT: "60"
AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT: "1800"
# Shards take minutes: looking for work every two seconds instead of every second halves what an idle loop costs.
AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME: "2"
AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY: "64"
AIRFLOW__TRIGGERER__CAPACITY: {{ .Values.airflow.triggerer.capacity | int | quote }}
AIRFLOW__TRIGGERER__ON_KILL_TIMEOUT: "60"
# The DAG files are part of the image and do not change under a running processor.
AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL: "120"
# On a busy node imports take a minute.
AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT: "240"
AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT: "180"
{{- with include "fleetcast.airflowUrl" . }}
AIRFLOW__API__BASE_URL: {{ . | quote }}
{{- end }}
{{- if .Values.airflow.logsInStore }}
AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS: fleetcast.orchestration.task_logs.LOGGING_CONFIG
{{- end }}
{{- with .Values.airflow.metrics.otlpEndpoint }}
AIRFLOW__METRICS__OTEL_ON: "True"
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
{{- end }}
{{- end -}}
