{{/* The name of everything in a release. */}}
{{- define "chaos-monkey.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What is cluster-wide has the namespace in its name, so that two releases of one name do not meet. */}}
{{- define "chaos-monkey.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "chaos-monkey.fullname" .) -}}
{{- end -}}

{{/* The name of the agent. */}}
{{- define "chaos-monkey.agent" -}}
{{- .Values.agent.name | default (include "chaos-monkey.fullname" .) -}}
{{- end -}}

{{- define "chaos-monkey.lease" -}}
{{- printf "chaos-monkey-%s" (include "chaos-monkey.agent" .) -}}
{{- end -}}

{{/* Whether it runs the game days of the cluster. */}}
{{- define "chaos-monkey.runsGameDays" -}}
{{- ne (dig "gameDays" "none" .Values.agent.spec) "none" -}}
{{- end -}}

{{- define "chaos-monkey.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "chaos-monkey.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name: without serviceAccount.create it must name an account that is there" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "chaos-monkey.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* What its pods are selected by. By the first of these it knows its own pods, and spares them. */}}
{{- define "chaos-monkey.selector" -}}
app.kubernetes.io/name: chaos-monkey
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end -}}

{{- define "chaos-monkey.commonLabels" -}}
app.kubernetes.io/name: chaos-monkey
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "chaos-monkey.labels" -}}
{{ include "chaos-monkey.commonLabels" . }}
app.kubernetes.io/component: agent
{{- end -}}
