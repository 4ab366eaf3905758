{{/* What all pods of the services share. */}}

{{/* Call with (dict "root" $ "component" "scheduler" "token" true). */}}
{{- define "fleetcast.podSpec" -}}
serviceAccountName: {{ include "fleetcast.fullname" .root }}-{{ .component }}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- if .root.Values.priorityClasses.create }}
priorityClassName: {{ include "fleetcast.clusterName" .root }}-services
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user | default 50000 }}
  runAsGroup: {{ .user | default 50000 }}
  fsGroup: {{ .user | default 50000 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "fleetcast.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Replicas of one component rather stand on different nodes. */}}
{{- define "fleetcast.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "fleetcast.selector" . | nindent 8 }}
{{- end -}}

{{/* The object store's address and credentials, as AWS's own variables. */}}
{{- define "fleetcast.storeEnvironment" -}}
- name: AWS_DEFAULT_REGION
  value: {{ .Values.objectStore.region | quote }}
{{- with include "fleetcast.storeEndpoint" . }}
- name: AWS_ENDPOINT_URL
  value: {{ . | quote }}
{{- end }}
{{- with $secret := include "fleetcast.storeSecret" . }}
{{- range $key := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $key }}
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: {{ $key }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "fleetcast.maxUnavailable" -}}
{{- if .root.Values.podDisruptionBudgets.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "fleetcast.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "fleetcast.selector" . | nindent 6 }}
{{- end }}
{{- end -}}
