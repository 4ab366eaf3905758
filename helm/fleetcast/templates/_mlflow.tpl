{{- define "fleetcast.mlflowBackend" -}}
- name: MLFLOW_BACKEND_STORE_URI
{{- if eq .Values.mlflow.backend "sqlite" }}
  value: sqlite:////registry/mlflow.db
{{- else }}
  valueFrom:
    secretKeyRef: {name: {{ include "fleetcast.postgresSecret" . }}, key: MLFLOW_DATABASE_URL}
{{- end }}
{{- end -}}

{{- define "fleetcast.mlflowMounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if eq .Values.mlflow.backend "sqlite" }}
- {name: registry, mountPath: /registry}
{{- end }}
{{- end -}}

{{- define "fleetcast.mlflowHosts" -}}
{{- $name := printf "%s-mlflow" (include "fleetcast.fullname" .) -}}
{{- $hosts := list "localhost:*" "127.0.0.1:*" -}}
{{- range list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) -}}
{{- $hosts = append $hosts (printf "%s:5000" .) -}}
{{- end -}}
{{- with .Values.mlflow.uiUrl -}}
{{- $hosts = append $hosts (urlParse .).host -}}
{{- end -}}
{{- join "," $hosts -}}
{{- end -}}
