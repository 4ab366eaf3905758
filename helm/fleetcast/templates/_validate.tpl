{{/*
Values that contradict each other, or the cluster: one line each, what is wrong and how to mend it. They are found all
at once, before anything is installed.
*/}}
{{- define "fleetcast.problems" -}}
{{- include "fleetcast.problems.services" . -}}
{{- include "fleetcast.problems.airflow" . -}}
{{- include "fleetcast.problems.networkPolicies" . -}}
{{- include "fleetcast.problems.bounds" . -}}
{{- include "fleetcast.problems.nodePools" . -}}
{{- include "fleetcast.problems.fleet" . -}}
{{- include "fleetcast.problems.cluster" . -}}
{{- end -}}

{{/* Database, object store and MLflow: one of each, and not two. */}}
{{- define "fleetcast.problems.services" -}}
{{- $v := .Values -}}
{{- $needsPostgres := or $v.airflow.enabled $v.studies.enabled (and $v.mlflow.enabled (eq $v.mlflow.backend "postgres")) -}}
{{- if and $v.postgres.embedded.enabled $v.postgres.existingSecret }}
postgres.embedded.enabled and postgres.existingSecret are both set: choose the embedded server or your own
{{- end }}
{{- if and $needsPostgres (not $v.postgres.embedded.enabled) (not $v.postgres.existingSecret) }}
no database: set postgres.existingSecret (keys AIRFLOW_DATABASE_URL, MLFLOW_DATABASE_URL, OPTUNA_DATABASE_URL), or postgres.embedded.enabled=true to try out
{{- end }}
{{- if and $v.objectStore.embedded.enabled (or $v.objectStore.uri $v.objectStore.existingSecret $v.objectStore.endpointUrl) }}
objectStore.embedded.enabled stands beside objectStore.uri, endpointUrl or existingSecret: choose the embedded store or your own
{{- end }}
{{- if not (or $v.objectStore.embedded.enabled $v.objectStore.uri) }}
no object store: set objectStore.uri (s3://bucket/prefix), or objectStore.embedded.enabled=true to try out
{{- end }}
{{- if and $v.mlflow.enabled $v.mlflow.trackingUri }}
mlflow.enabled and mlflow.trackingUri are both set: choose this release's MLflow or the one elsewhere
{{- end }}
{{- range $where, $url := dict "mlflow.trackingUri" $v.mlflow.trackingUri "objectStore.uri" $v.objectStore.uri "objectStore.endpointUrl" $v.objectStore.endpointUrl -}}
{{- if regexMatch "://[^/]*@" $url }}
{{ $where }} holds a user or a password, and every job's pod would show it: leave them out
{{- end }}
{{- end }}
{{- if and $v.mlflow.enabled $v.mlflow.existingSecret }}
mlflow.existingSecret is for an MLflow elsewhere, and this release's own asks nobody who comes: leave it out, or set mlflow.enabled=false
{{- end }}
{{- $secrets := dict -}}
{{- range $where, $name := dict "mlflow.existingSecret" $v.mlflow.existingSecret "postgres.existingSecret" $v.postgres.existingSecret "objectStore.existingSecret" $v.objectStore.existingSecret "studies.existingSecret" $v.studies.existingSecret "airflow.existingSecret" $v.airflow.existingSecret -}}
{{- if and $name (hasKey $secrets $name) }}
{{ $where }} and {{ get $secrets $name }} name one Secret, {{ $name }}, and jobs would get keys that are not theirs: make one Secret of each
{{- end }}
{{- $_ := set $secrets $name $where -}}
{{- end }}
{{- if not (or $v.mlflow.enabled $v.mlflow.trackingUri) }}
no MLflow: set mlflow.enabled=true or mlflow.trackingUri
{{- end }}
{{- if and $v.mlflow.enabled (eq $v.mlflow.backend "sqlite") (gt (int $v.mlflow.replicas) 1) }}
mlflow.backend=sqlite is one file: set mlflow.replicas=1 or mlflow.backend=postgres
{{- end }}
{{- if has $v.environment (list "staging" "production") }}
{{- if or $v.postgres.embedded.enabled $v.objectStore.embedded.enabled }}
environment={{ $v.environment }} with an embedded Postgres or object store, which are for trying out: name your own
{{- end }}
{{- if and $v.airflow.enabled (not $v.airflow.existingSecret) }}
environment={{ $v.environment }} needs airflow.existingSecret: keys of its own that no installation can lose
{{- end }}
{{- if and (include "fleetcast.servesStudies" .) (not $v.studies.existingSecret) }}
environment={{ $v.environment }} needs studies.existingSecret: a token of its own that no installation can lose
{{- end }}
{{- end }}
{{- end -}}

{{- define "fleetcast.problems.airflow" -}}
{{- $airflow := .Values.airflow -}}
{{- if $airflow.enabled -}}
{{- if and $airflow.ingress.enabled (not $airflow.ingress.host) }}
airflow.ingress.enabled without a name: set airflow.ingress.host
{{- end }}
{{- if and $airflow.ingress.enabled .Values.networkPolicies.enabled (not .Values.networkPolicies.webClients) }}
airflow.ingress.enabled, and network policies let nobody in: name the ingress controller in networkPolicies.webClients
{{- end }}
{{- if not $airflow.users }}
airflow.users is empty, so nobody could log in: name at least one
{{- end }}
{{- $names := dict -}}
{{- range $airflow.users -}}
{{- if hasKey $names .name }}
airflow.users names {{ .name }} more than once: name each user once
{{- end }}
{{- $_ := set $names .name true -}}
{{- end -}}
{{- $owners := dict "core.executor" "leave it: every heavy task is a pod" -}}
{{- $_ := set $owners "core.max_map_length" "set airflow.maxMapLength" -}}
{{- $_ := set $owners "core.parallelism" "set airflow.parallelism" -}}
{{- $_ := set $owners "core.simple_auth_manager_users" "set airflow.users" -}}
{{- $_ := set $owners "core.simple_auth_manager_all_admins" "leave it: nobody is let in without a password" -}}
{{- $_ := set $owners "core.auth_manager" "leave it: airflow.users and passwords.json are the simple login's" -}}
{{- $_ := set $owners "core.simple_auth_manager_passwords_file" "put passwords.json into the Secret airflow.existingSecret" -}}
{{- $_ := set $owners "triggerer.capacity" "set airflow.triggerer.capacity" -}}
{{- $_ := set $owners "api.base_url" "set airflow.baseUrl" -}}
{{- $_ := set $owners "database.sql_alchemy_conn" "put it into the Secret postgres.existingSecret" -}}
{{- range $key := list "core.fernet_key" "api.secret_key" "api_auth.jwt_secret" -}}
{{- $_ := set $owners $key "put it into the Secret airflow.existingSecret" -}}
{{- end -}}
{{- /* What the image sets, and the rest of what the ConfigMap does, but those that only trade time for room. */}}
{{- $set := include "fleetcast.airflowConfig" . | fromYaml -}}
{{- range list "DAGS_FOLDER" "PLUGINS_FOLDER" "LOAD_EXAMPLES" }}{{ $_ := set $set (printf "AIRFLOW__CORE__%s" .) "" }}{{ end -}}
{{- $tunable := list "core.max_active_tasks_per_dag" "core.dagbag_import_timeout" "scheduler.task_queued_timeout" "scheduler.max_tis_per_query" "triggerer.on_kill_timeout" "dag_processor.min_file_process_interval" "dag_processor.dag_file_processor_timeout" -}}
{{- range $section, $options := $airflow.config -}}
{{- range $option, $value := $options -}}
{{- $key := printf "%s.%s" $section $option -}}
{{- $plain := regexReplaceAll "_(cmd|secret)$" $key "" -}}
{{- $needed := and (hasKey $set (printf "AIRFLOW__%s" ($plain | upper | replace "." "__"))) (not (has $plain $tunable)) -}}
{{- with get $owners $key | default (get $owners $plain) | default (ternary "leave it out, because Fleetcast needs it as it is" "" $needed) }}
airflow.config.{{ $section }}.{{ $option }} is the chart's own: {{ . }}
{{- else }}
{{- if and (eq $plain $key) (or (regexMatch "(password|token|dsn|_key)$" $option) (regexMatch "://[^/]*:[^/]*@" (toString $value))) }}
airflow.config.{{ $section }}.{{ $option }} would stand in a ConfigMap for everybody to read: name where it is kept, in {{ $option }}_secret
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A rule without addresses and pods would let nobody through. */}}
{{- define "fleetcast.problems.networkPolicies" -}}
{{- range $path, $to := include "fleetcast.outsiders" . | fromJson -}}
{{- if and $.Values.networkPolicies.enabled (not $to.cidrs) (not $to.peers) }}
{{ $path }}.cidrs{{ if ne $path "networkPolicies.kubernetesApi" }} and {{ $path }}.peers are both{{ else }} is{{ end }} empty, so network policies would let nobody reach it: name one
{{- end }}
{{- end }}
{{- end -}}

{{/* What the API server would refuse one by one: more asked for than allowed. */}}
{{- define "fleetcast.problems.bounds" -}}
{{- $v := .Values -}}
{{- $bounds := dict "postgres.embedded.resources" $v.postgres.embedded.resources "objectStore.embedded.resources" $v.objectStore.embedded.resources "mlflow.resources" $v.mlflow.resources "studies.resources" $v.studies.resources -}}
{{- range $component := list "apiServer" "scheduler" "dagProcessor" "triggerer" "migration" -}}
{{- $_ := set $bounds (printf "airflow.%s.resources" $component) (get $v.airflow $component).resources -}}
{{- end -}}
{{- range $where, $resources := $bounds -}}
{{- include "fleetcast.problems.above" (dict "where" $where "amounts" $resources "low" "requests" "high" "limits") -}}
{{- end -}}
{{- range $low, $high := dict "defaultRequest" "default" "default" "max" -}}
{{- include "fleetcast.problems.above" (dict "where" "limitRange" "amounts" $v.limitRange "low" $low "high" $high) -}}
{{- end -}}
{{- if and $v.priorityClasses.create (gt (int64 $v.priorityClasses.training) (int64 $v.priorityClasses.services)) }}
priorityClasses.training={{ int64 $v.priorityClasses.training }} is above priorityClasses.services={{ int64 $v.priorityClasses.services }}, and jobs would displace the services that start them: lower the one or raise the other
{{- end }}
{{- end -}}

{{/* Call with (dict "where" PATH "amounts" its value "low" KEY "high" KEY): the one must not be above the other. */}}
{{- define "fleetcast.problems.above" -}}
{{- range $what, $high := get .amounts .high | default dict -}}
{{- $low := get (get $.amounts $.low | default dict) $what -}}
{{- if gt (include "fleetcast.amount" ($low | default 0) | float64) (include "fleetcast.amount" $high | float64) }}
{{ $.where }}.{{ $.low }}.{{ $what }}={{ include "fleetcast.plain" $low }} is above {{ $.where }}.{{ $.high }}.{{ $what }}={{ include "fleetcast.plain" $high }}: lower the one or raise the other
{{- end }}
{{- end }}
{{- end -}}

{{- define "fleetcast.problems.nodePools" -}}
{{- $v := .Values -}}
{{- $names := keys $v.nodePools | sortAlpha | join ", " -}}
{{- range $job, $pool := $v.jobPools -}}
{{- if not (hasKey $v.nodePools $pool) }}
jobPools.{{ $job }}={{ $pool }}: no such node pool; expected one of {{ $names }}
{{- end }}
{{- end }}
{{- $pods := 0 -}}
{{- $asked := dict -}}
{{- range $name, $own := $v.nodePools -}}
{{- $pool := include "fleetcast.effectivePool" (dict "root" $ "name" $name) | fromJson -}}
{{- $pods = add $pods (int $pool.maxPods) -}}
{{- $pod := dict "pods" 1 "count/pods" 1 "requests.nvidia.com/gpu" $pool.gpu -}}
{{- if lt (int $pool.deadlineSeconds) (int $pool.graceSeconds) }}
nodePools.{{ $name }}: deadlineSeconds={{ int $pool.deadlineSeconds }} is shorter than graceSeconds={{ int $pool.graceSeconds }}: a pod must live longer than its end takes
{{- end }}
{{- if lt (int $pool.deadlineSeconds) (int $pool.startupTimeoutSeconds) }}
nodePools.{{ $name }}: deadlineSeconds={{ int $pool.deadlineSeconds }} is shorter than startupTimeoutSeconds={{ int $pool.startupTimeoutSeconds }}: a pod's life begins before its image is there
{{- end }}
{{- range $pool.tolerations -}}
{{- if and (eq (.operator | default "Equal") "Exists") .value }}
nodePools.{{ $name }}.tolerations: {{ .key | default "a toleration" }} has operator Exists and the value {{ .value }}: leave out the value, or set operator Equal
{{- end }}
{{- if and (eq (.operator | default "Equal") "Equal") (not .key) }}
nodePools.{{ $name }}.tolerations: operator Equal without a key: name the taint's key, or set operator Exists
{{- end }}
{{- end -}}
{{- range $what := list "cpu" "memory" -}}
{{- $request := get $pool.resources.requests $what -}}
{{- $limit := get $pool.resources.limits $what -}}
{{- if gt (include "fleetcast.amount" $request | float64) (include "fleetcast.amount" $limit | float64) }}
nodePools.{{ $name }} requests {{ $request }} of {{ $what }} and is limited to {{ $limit }}: set both in {{ $name }}.resources, because what it does not say is as in default
{{- end }}
{{- $max := get $v.limitRange.max $what -}}
{{- if and $v.limitRange.enabled $max (gt (include "fleetcast.amount" $limit | float64) (include "fleetcast.amount" ($max | default 0) | float64)) }}
nodePools.{{ $name }} may take {{ $limit }} of {{ $what }}, and limitRange.max.{{ $what }}={{ $max }} would refuse its pods: lower the one or raise the other
{{- end }}
{{- $pod = merge $pod (dict $what $request (printf "requests.%s" $what) $request (printf "limits.%s" $what) $limit) -}}
{{- end }}
{{- range $what, $amount := $pod -}}
{{- $all := mulf (include "fleetcast.amount" $amount | float64) $pool.maxPods -}}
{{- $_ := set $asked $what (addf $all (get $asked $what | default 0)) -}}
{{- end }}
{{- end }}
{{- $atATime := int (include "fleetcast.effectivePool" (dict "root" . "name" "default") | fromJson).maxPods -}}
{{- if lt $atATime 3 }}
nodePools.default.maxPods={{ $atATime }}: set at least 3, because log-runs holds one pod while the jobs that it waits for need two
{{- end }}
{{- if $v.resourceQuota.enabled -}}
{{- range $what, $most := $v.resourceQuota.hard -}}
{{- $all := get $asked $what | default 0 | float64 -}}
{{- if lt (include "fleetcast.amount" $most | float64) $all }}
resourceQuota.hard.{{ $what }}={{ include "fleetcast.plain" $most }} is less than the {{ ternary (printf "%.0fMi" (divf $all 1048576)) (round $all 3 | toJson) (hasSuffix "memory" $what) }} that nodePools allow (maxPods): raise it, or lower maxPods
{{- end }}
{{- end }}
{{- end }}
{{- $watched := mul (int $v.airflow.triggerer.capacity) (int $v.airflow.triggerer.replicas) -}}
{{- if and $v.airflow.enabled (lt $watched $pods) }}
airflow.triggerer watches {{ $watched }} pods (capacity times replicas), and nodePools allow {{ $pods }} (maxPods): raise capacity, or lower maxPods
{{- end }}
{{- end -}}

{{/* What train_fleet starts from. The grids of the presets are a copy of the package's own. */}}
{{- define "fleetcast.problems.fleet" -}}
{{- $v := .Values -}}
{{- $file := .Files.Get "fleet.toml" | fromToml -}}
{{- if not (hasKey $file.presets $v.preset) }}
preset={{ $v.preset }}: no such preset; expected one of {{ keys $file.presets | sortAlpha | join ", " }}
{{- else -}}
{{- $grid := merge (dict) (get $file.presets $v.preset) $file.grid -}}
{{- $variants := 1 -}}
{{- range $list, $_ := $file.grid }}{{ $variants = mul $variants (len (get $grid $list)) }}{{ end -}}
{{- $shards := div (add $variants (sub (int $v.variantsPerPod) 1)) (int $v.variantsPerPod) -}}
{{- if gt $shards (int64 $v.airflow.maxMapLength) }}
variantsPerPod={{ int $v.variantsPerPod }} makes {{ $shards }} shards of the preset {{ $v.preset }}, and airflow.maxMapLength={{ int $v.airflow.maxMapLength }} allows no more than that: raise either
{{- end }}
{{- end }}
{{- if and $v.tune (not (include "fleetcast.servesStudies" .)) }}
tune=true needs the study service, and studies.enabled is false or there is no database for it: set studies.enabled=true with postgres.existingSecret or postgres.embedded.enabled=true, or set tune=false
{{- end }}
{{- if eq $v.lightgbmDevice "gpu" -}}
{{- $fitting := dict "train-variants" "training" -}}
{{- if $v.tune }}{{ $fitting = merge $fitting (dict "run-trials" "training" "judge-holdout" "default" "train-production" "training") }}{{ end -}}
{{- range $job, $named := $fitting -}}
{{- $pool := get $v.jobPools $job | default $named -}}
{{- if eq (int (include "fleetcast.effectivePool" (dict "root" $ "name" $pool) | fromJson).gpu) 0 }}
lightgbmDevice=gpu, and the node pool {{ $pool }} of {{ $job }} has gpu: 0: name a pool with GPUs in jobPools.{{ $job }}, or set lightgbmDevice=cpu
{{- end }}
{{- end }}
{{- end }}
{{- if eq $v.sequenceDevice "gpu" -}}
{{- range $job := list "train-convlstm" "evaluate-convlstm" "tune-convlstm" "train-cnn-lstm" "tune-cnn-lstm" -}}
{{- $pool := get $v.jobPools $job | default "gpu" -}}
{{- if eq (int (include "fleetcast.effectivePool" (dict "root" $ "name" $pool) | fromJson).gpu) 0 }}
sequenceDevice=gpu, and the node pool {{ $pool }} of {{ $job }} has gpu: 0: name a pool with GPUs in jobPools.{{ $job }}, or set sequenceDevice=gpu-or-cpu
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What only a look at the cluster tells; without one (`helm template`) nothing is known, and nothing is refused. */}}
{{- define "fleetcast.problems.cluster" -}}
{{- $v := .Values -}}
{{- $training := include "fleetcast.trainingNamespace" . -}}
{{- $reserved := list .Release.Namespace "default" "kube-system" "kube-public" "kube-node-lease" -}}
{{- if lookup "v1" "Namespace" "" .Release.Namespace -}}
{{- $found := lookup "v1" "Namespace" "" $training -}}
{{- $owner := dig "metadata" "annotations" "meta.helm.sh/release-name" "" $found -}}
{{- if and $v.trainingNamespace.create $found (ne $owner .Release.Name) }}{{ $reserved = append $reserved $training }}{{ end -}}
{{- if not (or $v.trainingNamespace.create $found) }}
trainingNamespace.create=false, and there is no namespace {{ $training }}: create it, or set trainingNamespace.create=true
{{- end }}
{{- $keys := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" -}}
{{- $store := dict "value" "objectStore.existingSecret" "name" $v.objectStore.existingSecret "keys" $keys -}}
{{- $keys = list "fernet-key" "jwt-secret" "api-secret-key" "passwords.json" -}}
{{- $airflow := dict "value" "airflow.existingSecret" "name" $v.airflow.existingSecret "keys" $keys -}}
{{- $keys = ternary (list "AIRFLOW_DATABASE_URL") list $v.airflow.enabled -}}
{{- if and $v.mlflow.enabled (eq $v.mlflow.backend "postgres") }}{{ $keys = append $keys "MLFLOW_DATABASE_URL" }}{{ end -}}
{{- if include "fleetcast.servesStudies" . }}{{ $keys = append $keys "OPTUNA_DATABASE_URL" }}{{ end -}}
{{- $postgres := dict "value" "postgres.existingSecret" "name" $v.postgres.existingSecret "keys" $keys -}}
{{- $shared := list $store -}}
{{- if include "fleetcast.servesStudies" . -}}
{{- $shared = append $shared (dict "value" "studies.existingSecret" "name" $v.studies.existingSecret "keys" (list "FLEETCAST_STUDIES_TOKEN")) -}}
{{- end -}}
{{- $needed := dict .Release.Namespace (append $shared $postgres) -}}
{{- if $v.airflow.enabled }}{{ $_ := set $needed .Release.Namespace (concat $shared (list $airflow $postgres)) }}{{ end -}}
{{- $mlflow := dict "value" "mlflow.existingSecret" "name" $v.mlflow.existingSecret "keys" list -}}
{{- if and $found (ne $training .Release.Namespace) }}{{ $_ := set $needed $training (append $shared $mlflow) }}{{ end -}}
{{- range $namespace, $secrets := $needed -}}
{{- range $v.images.pullSecrets -}}
{{- $secrets = append $secrets (dict "value" "images.pullSecrets" "name" . "keys" (list ".dockerconfigjson")) -}}
{{- end -}}
{{- range $secrets -}}
{{- include "fleetcast.problems.secret" (dict "namespace" $namespace "secret" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if gt (len $training) 63 }}
the training namespace {{ $training }} has {{ len $training }} characters, and Kubernetes allows 63: set trainingNamespace.name
{{- end }}
{{- if eq $training .Release.Namespace }}
trainingNamespace.name={{ $training }} is the release's own namespace: name another, for the jobs alone
{{- else if and $v.trainingNamespace.create (has $training $reserved) }}
the namespace {{ $training }} exists already, so the release cannot make it: set trainingNamespace.create=false or choose another trainingNamespace.name
{{- end }}
{{- end -}}

{{/* Call with (dict "namespace" NAMESPACE "secret" (dict "value" PATH "name" NAME "keys" KEYS)). */}}
{{- define "fleetcast.problems.secret" -}}
{{- with .secret -}}
{{- if .name -}}
{{- $found := lookup "v1" "Secret" $.namespace .name -}}
{{- if not $found }}
{{ .value }}={{ .name }}: there is no such Secret in the namespace {{ $.namespace }}: create it{{ with .keys }} with {{ join ", " . }}{{ end }}
{{- else }}
{{- range .keys -}}
{{- if not (hasKey ($found.data | default dict) .) }}
{{ $.secret.value }}={{ $.secret.name }}: this Secret in the namespace {{ $.namespace }} has no key {{ . }}: add it
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* A quantity of Kubernetes as a number. */}}
{{- define "fleetcast.amount" -}}
{{- $units := dict "" 1 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $unit := regexFind "[A-Za-z]+$" (toString .) -}}
{{- mulf (toString . | trimSuffix $unit | float64) (get $units $unit) -}}
{{- end -}}
