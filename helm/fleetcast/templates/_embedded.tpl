{{/* Passwords of the embedded servers: made once, found again by an upgrade. */}}

{{/* A password of this rendering: the Secret's own if there is one. Call with (dict "root" $ "secret" NAME "key" KEY). */}}
{{- define "fleetcast.password" -}}
{{- $known := (lookup "v1" "Secret" .root.Release.Namespace .secret).data | default dict -}}
{{- $memory := get .root.Values "rendered" | default dict -}}
{{- $id := printf "%s/%s" .secret .key -}}
{{- if hasKey $known .key -}}
{{- get $known .key | b64dec -}}
{{- else -}}
{{- if not (hasKey $memory $id) -}}
{{- $_ := set $memory $id (randAlphaNum 32) -}}
{{- $_ := set .root.Values "rendered" $memory -}}
{{- end -}}
{{- get $memory $id -}}
{{- end -}}
{{- end -}}

{{- define "fleetcast.storeKeys" -}}
{{- $secret := include "fleetcast.storeSecret" . -}}
AWS_ACCESS_KEY_ID: {{ "fleetcast" | b64enc }}
AWS_SECRET_ACCESS_KEY: {{ include "fleetcast.password" (dict "root" . "secret" $secret "key" "AWS_SECRET_ACCESS_KEY") | b64enc }}
{{- end -}}
