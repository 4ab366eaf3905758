{{/* The study service, and who asks it. */}}

{{/* Whether it runs: as values say, else where there is a database for it. */}}
{{- define "fleetcast.servesStudies" -}}
{{- $v := .Values -}}
{{- $database := or $v.postgres.embedded.enabled $v.postgres.existingSecret -}}
{{- if ternary $v.studies.enabled $database (kindIs "bool" $v.studies.enabled) }}true{{ end -}}
{{- end -}}

{{- define "fleetcast.studiesSecret" -}}
{{- .Values.studies.existingSecret | default (printf "%s-studies" (include "fleetcast.fullname" .)) -}}
{{- end -}}

{{/* What a Secret of ours holds; its key is also the variable that the jobs read. */}}
{{- define "fleetcast.studiesToken" -}}
{{- $secret := include "fleetcast.studiesSecret" . -}}
FLEETCAST_STUDIES_TOKEN: {{ include "fleetcast.password" (dict "root" . "secret" $secret "key" "FLEETCAST_STUDIES_TOKEN") | b64enc }}
{{- end -}}

{{- define "fleetcast.studiesDatabase" -}}
- name: FLEETCAST_STUDIES_DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ include "fleetcast.postgresSecret" . }}, key: OPTUNA_DATABASE_URL}
{{- end -}}

{{- define "fleetcast.studiesUrl" -}}
{{- printf "http://%s-studies.%s.svc:8090" (include "fleetcast.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* Secrets that some jobs get beside the store's, by command, as JSON. */}}
{{- define "fleetcast.jobSecrets" -}}
{{- $secrets := dict -}}
{{- range $job, $destinations := include "fleetcast.jobFlows" . | fromJson -}}
{{- if has "studies" $destinations }}{{ $_ := set $secrets $job (list (include "fleetcast.studiesSecret" $)) }}{{ end -}}
{{- if and (has "mlflow" $destinations) $.Values.mlflow.existingSecret }}{{ $_ := set $secrets $job (list $.Values.mlflow.existingSecret) }}{{ end -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end -}}
