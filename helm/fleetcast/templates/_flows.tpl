{{/* Who may talk to whom: the list, and its ends as peers of network policies. */}}

{{/* What each component connects to: the one list of flows, as JSON. */}}
{{- define "fleetcast.flows" -}}
{{- $flows := dict -}}
{{- if .Values.airflow.enabled -}}
{{- $metrics := ternary (list "metrics") list (ne .Values.airflow.metrics.otlpEndpoint "") -}}
{{- $logs := ternary (list "object-store") list .Values.airflow.logsInStore -}}
{{- $_ := set $flows "api-server" (concat (list "dns" "postgres" "scheduler" "triggerer") $logs $metrics) -}}
{{- $_ := set $flows "scheduler" (concat (list "dns" "postgres" "object-store" "api-server" "kubernetes") $metrics) -}}
{{- $_ := set $flows "triggerer" (concat (list "dns" "postgres" "kubernetes") $logs $metrics) -}}
{{- $_ := set $flows "dag-processor" (concat (list "dns" "postgres") $metrics) -}}
{{- $_ := set $flows "migration" (list "dns" "postgres") -}}
{{- end -}}
{{- if .Values.mlflow.enabled -}}
{{- $_ := set $flows "mlflow" (concat (list "dns" "object-store") (ternary (list "postgres") list (eq .Values.mlflow.backend "postgres"))) -}}
{{- end -}}
{{- if include "fleetcast.servesStudies" . }}{{ $_ := set $flows "studies" (list "dns" "postgres") }}{{ end -}}
{{- if .Values.postgres.embedded.enabled }}{{ $_ := set $flows "postgres" list }}{{ end -}}
{{- if .Values.objectStore.embedded.enabled }}{{ $_ := set $flows "object-store" list }}{{ end -}}
{{- toJson $flows -}}
{{- end -}}

{{/* What some jobs connect to beside the object store, by command, as JSON. */}}
{{- define "fleetcast.jobFlows" -}}
{{- $flows := dict -}}
{{- range list "log-runs" "register-models" "register-convlstm" "register-cnn-lstm" }}{{ $_ := set $flows . (list "mlflow") }}{{ end -}}
{{- if include "fleetcast.servesStudies" . -}}
{{- range list "plan-tuning" "plan-family-tuning" "run-trials" "close-tuning" "tune-convlstm" "tune-cnn-lstm" }}{{ $_ := set $flows . (list "studies") }}{{ end -}}
{{- end -}}
{{- toJson $flows -}}
{{- end -}}

{{/* The port of each component of this release that listens, as JSON; of scheduler and triggerer, that of their logs. */}}
{{- define "fleetcast.ports" -}}
{{- $all := dict "api-server" 8080 "scheduler" 8793 "triggerer" 8794 "mlflow" 5000 "studies" 8090 "postgres" 5432 "object-store" 7070 -}}
{{- $ports := dict -}}
{{- range $component, $_ := include "fleetcast.flows" . | fromJson -}}
{{- if hasKey $all $component }}{{ $_ := set $ports $component (get $all $component) }}{{ end -}}
{{- end -}}
{{- toJson $ports -}}
{{- end -}}

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

{{/*
Addresses and pods outside of this release: VALUES hold them as cidrs and peers. An empty list would mean everybody, so
without any there is no rule. Call with (dict "to" VALUES "ports" PORTS "protocols" (list "TCP")).
*/}}
{{- define "fleetcast.outside" -}}
{{- if or .to.cidrs .to.peers -}}
- to:
{{- range .to.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
{{- end }}
{{- with .to.peers }}
{{- toYaml . | nindent 4 }}
{{- end }}
  ports:
{{- range $port := .ports }}
{{- range $.protocols | default (list "TCP") }}
    - {protocol: {{ . }}, port: {{ $port | int }}}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* The port that a URL names or means; of no URL, HTTPS's. */}}
{{- define "fleetcast.urlPort" -}}
{{- $url := urlParse (. | default "https://") -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "80" "443" (eq $url.scheme "http")) -}}
{{- end -}}

{{/* One destination as an egress rule. Call with (dict "root" $ "destination" "object-store"). */}}
{{- define "fleetcast.egress" -}}
{{- $values := .root.Values -}}
{{- $ports := include "fleetcast.ports" .root | fromJson -}}
{{- if hasKey $ports .destination -}}
- to:
    - {{- include "fleetcast.peer" (dict "root" .root "component" .destination) | nindent 6 }}
  ports:
    - {protocol: TCP, port: {{ get $ports .destination }}}
{{- else if eq .destination "dns" -}}
{{- include "fleetcast.outside" (dict "to" $values.networkPolicies.dns "ports" $values.networkPolicies.dns.ports "protocols" (list "UDP" "TCP")) -}}
{{- else if eq .destination "kubernetes" -}}
{{- include "fleetcast.outside" (dict "to" $values.networkPolicies.kubernetesApi "ports" $values.networkPolicies.kubernetesApi.ports) -}}
{{- else if eq .destination "postgres" -}}
{{- include "fleetcast.outside" (dict "to" $values.postgres "ports" (list $values.postgres.port)) -}}
{{- else if eq .destination "object-store" -}}
{{- include "fleetcast.outside" (dict "to" $values.objectStore "ports" (list (include "fleetcast.urlPort" $values.objectStore.endpointUrl))) -}}
{{- else if eq .destination "mlflow" -}}
{{- include "fleetcast.outside" (dict "to" $values.mlflow "ports" (list (include "fleetcast.urlPort" $values.mlflow.trackingUri))) -}}
{{- else if eq .destination "metrics" -}}
{{- include "fleetcast.outside" (dict "to" $values.airflow.metrics "ports" (list (include "fleetcast.urlPort" $values.airflow.metrics.otlpEndpoint))) -}}
{{- end -}}
{{- end -}}

{{/* Who may come in to a component, as JSON: whoever has it among its flows, the jobs, and who is named in values. */}}
{{- define "fleetcast.sources" -}}
{{- $component := .component -}}
{{- $sources := list -}}
{{- range $source, $destinations := include "fleetcast.flows" .root | fromJson -}}
{{- if has $component $destinations -}}
{{- $sources = append $sources (include "fleetcast.peer" (dict "root" $.root "component" $source) | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- range $job, $destinations := include "fleetcast.jobFlows" .root | fromJson -}}
{{- if has $component $destinations -}}
{{- $sources = append $sources (include "fleetcast.jobPeer" (dict "root" $.root "job" $job) | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- if eq $component "object-store" -}}
{{- $sources = append $sources (include "fleetcast.jobPeer" (dict "root" .root) | fromYaml) -}}
{{- if not .root.Values.airflow.enabled -}}
{{- $sources = append $sources (include "fleetcast.externalAirflowPeer" .root | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- if has $component (list "api-server" "mlflow") -}}
{{- $sources = concat $sources .root.Values.networkPolicies.webClients -}}
{{- end -}}
{{- toJson $sources -}}
{{- end -}}

{{- define "fleetcast.externalAirflowPeer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Values.externalAirflow.namespace | default .Release.Namespace }}
podSelector:
  matchLabels: {{- toYaml .Values.externalAirflow.podLabels | nindent 4 }}
{{- end -}}

{{/* The values whose cidrs are everybody, by name. */}}
{{- define "fleetcast.openCidrs" -}}
{{- $open := list -}}
{{- if .Values.networkPolicies.enabled -}}
{{- range $path, $to := include "fleetcast.outsiders" . | fromJson -}}
{{- if or (has "0.0.0.0/0" $to.cidrs) (has "::/0" $to.cidrs) }}{{ $open = append $open (printf "%s.cidrs" $path) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- join ", " $open -}}
{{- end -}}

{{/* What is not of this release and yet needed, by the path of the values that say where it is, as JSON. */}}
{{- define "fleetcast.outsiders" -}}
{{- $v := .Values -}}
{{- $outsiders := dict "networkPolicies.dns" $v.networkPolicies.dns -}}
{{- if $v.airflow.enabled }}{{ $_ := set $outsiders "networkPolicies.kubernetesApi" (merge (dict "peers" list) $v.networkPolicies.kubernetesApi) }}{{ end -}}
{{- if not $v.postgres.embedded.enabled }}{{ $_ := set $outsiders "postgres" $v.postgres }}{{ end -}}
{{- if not $v.objectStore.embedded.enabled }}{{ $_ := set $outsiders "objectStore" $v.objectStore }}{{ end -}}
{{- if not $v.mlflow.enabled }}{{ $_ := set $outsiders "mlflow" $v.mlflow }}{{ end -}}
{{- if $v.airflow.metrics.otlpEndpoint }}{{ $_ := set $outsiders "airflow.metrics" $v.airflow.metrics }}{{ end -}}
{{- toJson $outsiders -}}
{{- end -}}
