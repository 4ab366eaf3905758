{{/* Names and labels. */}}

{{- define "fleetcast.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "fleetcast.trainingNamespace" -}}
{{- .Values.trainingNamespace.name | default (printf "%s-training" .Release.Namespace) -}}
{{- end -}}

{{/* A label of the jobs' pods: of all releases of the cluster, this one. */}}
{{- define "fleetcast.podRelease" -}}
{{- $name := printf "%s.%s" .Release.Namespace .Release.Name -}}
{{- if gt (len $name) 63 -}}
{{- $name = printf "%s-%s" (trunc 54 $name | trimSuffix "-" | trimSuffix ".") (sha256sum $name | trunc 8) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* Cluster-wide names. */}}
{{- define "fleetcast.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "fleetcast.fullname" .) -}}
{{- end -}}

{{/* Call with (dict "root" $ "component" "scheduler"). */}}
{{- define "fleetcast.selector" -}}
app.kubernetes.io/name: fleetcast
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "fleetcast.labels" -}}
{{ include "fleetcast.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "fleetcast.metadata" -}}
name: {{ include "fleetcast.fullname" .root }}-{{ .component }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "fleetcast.labels" . | nindent 2 }}
{{- end -}}

{{/* Call with (dict "root" $ "image" "trainer"). */}}
{{- define "fleetcast.image" -}}
{{- $image := index .root.Values.images .image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "fleetcast.airflowSecret" -}}
{{- .Values.airflow.existingSecret | default (printf "%s-airflow" (include "fleetcast.fullname" .)) -}}
{{- end -}}

{{- define "fleetcast.postgresSecret" -}}
{{- .Values.postgres.existingSecret | default (printf "%s-postgres" (include "fleetcast.fullname" .)) -}}
{{- end -}}

{{/* Empty when the service accounts' own identity opens the store. */}}
{{- define "fleetcast.storeSecret" -}}
{{- if .Values.objectStore.embedded.enabled -}}
{{- printf "%s-object-store" (include "fleetcast.fullname" .) -}}
{{- else -}}
{{- .Values.objectStore.existingSecret -}}
{{- end -}}
{{- end -}}

{{- define "fleetcast.storeUri" -}}
{{- if .Values.objectStore.embedded.enabled -}}
s3://fleetcast
{{- else -}}
{{- .Values.objectStore.uri | trimSuffix "/" -}}
{{- end -}}
{{- end -}}

{{- define "fleetcast.storeEndpoint" -}}
{{- if .Values.objectStore.embedded.enabled -}}
{{- printf "http://%s-object-store.%s.svc:7070" (include "fleetcast.fullname" .) .Release.Namespace -}}
{{- else -}}
{{- .Values.objectStore.endpointUrl -}}
{{- end -}}
{{- end -}}

{{- define "fleetcast.trackingUri" -}}
{{- if .Values.mlflow.enabled -}}
{{- printf "http://%s-mlflow.%s.svc:5000" (include "fleetcast.fullname" .) .Release.Namespace -}}
{{- else -}}
{{- .Values.mlflow.trackingUri -}}
{{- end -}}
{{- end -}}

{{- define "fleetcast.airflowUrl" -}}
{{- if .Values.airflow.baseUrl -}}
{{- .Values.airflow.baseUrl -}}
{{- else if .Values.airflow.ingress.enabled -}}
{{- printf "%s://%s" (ternary "https" "http" (ne .Values.airflow.ingress.tlsSecret "")) .Values.airflow.ingress.host -}}
{{- end -}}
{{- end -}}

{{/* A value as text; a number without the exponent that a template gives to those above a million. */}}
{{- define "fleetcast.plain" -}}
{{- kindIs "string" . | ternary . (toJson .) -}}
{{- end -}}

{{/* A claim or a secret that outlives the release. Call with keepData. */}}
{{- define "fleetcast.keep" -}}
{{- if . }}
annotations:
  helm.sh/resource-policy: keep
{{- end }}
{{- end -}}
