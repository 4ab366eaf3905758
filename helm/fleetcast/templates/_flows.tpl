{{/* Who may talk to whom: destinations by name, as egress rules. */}}

{{/* Our pods of one component, from wherever. Call with (dict "root" $ "component" "postgres"). */}}
{{- define "fleetcast.peer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .root.Release.Namespace }}
podSelector:
  matchLabels: {{- include "fleetcast.selector" . | nindent 4 }}
{{- end -}}

{{/* The jobs' pods, or those of one job. Call with (dict "root" $ "job" "log-runs"). */}}
{{- define "fleetcast.jobPeer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ include "fleetcast.trainingNamespace" .root }}
podSelector:
  matchLabels: {{- include "fleetcast.jobSelector" . | nindent 4 }}
{{- end -}}

{{- define "fleetcast.jobSelector" -}}
app.kubernetes.io/name: fleetcast
app.kubernetes.io/instance: {{ include "fleetcast.podRelease" .root }}
{{- with .job }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Addresses outside of this release. Call with (dict "cidrs" ... "ports" ...). */}}
{{- define "fleetcast.outside" -}}
- to:
{{- range .cidrs }}
    - ipBlock: {cidr: {{ . }}}
{{- end }}
  ports:
{{- range .ports }}
    - {protocol: TCP, port: {{ . | int }}}
{{- end }}
{{- end -}}

{{/* Call with (dict "root" $ "component" "postgres" "port" 5432). */}}
{{- define "fleetcast.inside" -}}
- to:
    - {{- include "fleetcast.peer" . | nindent 6 }}
  ports:
    - {protocol: TCP, port: {{ .port }}}
{{- end -}}

{{/* Call with (dict "root" $ "destination" "store"). */}}
{{- define "fleetcast.egress" -}}
{{- $values := .root.Values -}}
{{- $root := .root -}}
{{- if eq .destination "dns" -}}
- to:
    - namespaceSelector: {}
      podSelector:
        matchExpressions:
          - {key: k8s-app, operator: In, values: [kube-dns, coredns, node-local-dns]}
    {{- range $values.networkPolicies.dns.cidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    {{- range $port := $values.networkPolicies.dns.ports }}
    - {protocol: UDP, port: {{ $port | int }}}
    - {protocol: TCP, port: {{ $port | int }}}
    {{- end }}
{{- else if eq .destination "postgres" -}}
{{- if $values.postgres.embedded.enabled -}}
{{- include "fleetcast.inside" (dict "root" $root "component" "postgres" "port" 5432) -}}
{{- else -}}
{{- include "fleetcast.outside" (dict "cidrs" $values.postgres.cidrs "ports" (list $values.postgres.port)) -}}
{{- end -}}
{{- else if eq .destination "store" -}}
{{- if $values.objectStore.embedded.enabled -}}
{{- include "fleetcast.inside" (dict "root" $root "component" "object-store" "port" 7070) -}}
{{- else -}}
{{- include "fleetcast.outside" (dict "cidrs" $values.objectStore.cidrs "ports" (list $values.objectStore.port)) -}}
{{- end -}}
{{- else if eq .destination "mlflow" -}}
{{- if $values.mlflow.enabled -}}
{{- include "fleetcast.inside" (dict "root" $root "component" "mlflow" "port" 5000) -}}
{{- else -}}
{{- include "fleetcast.outside" (dict "cidrs" $values.mlflow.cidrs "ports" (list $values.mlflow.port)) -}}
{{- end -}}
{{- else if eq .destination "kubernetes" -}}
{{- include "fleetcast.outside" $values.networkPolicies.kubernetesApi -}}
{{- else if eq .destination "metrics" -}}
{{- include "fleetcast.outside" (dict "cidrs" $values.airflow.metrics.cidrs "ports" (list $values.airflow.metrics.port)) -}}
{{- else if eq .destination "api-server" -}}
{{- include "fleetcast.inside" (dict "root" $root "component" "api-server" "port" 8080) -}}
{{- else if eq .destination "scheduler" -}}
{{- include "fleetcast.inside" (dict "root" $root "component" "scheduler" "port" 8793) -}}
{{- else if eq .destination "triggerer" -}}
{{- include "fleetcast.inside" (dict "root" $root "component" "triggerer" "port" 8794) -}}
{{- end -}}
{{- end -}}
