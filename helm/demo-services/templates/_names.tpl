{{/* The name of everything in a release. `demo-services system` finds the gateway by it. */}}
{{- define "demo-services.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 47 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 47 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name of one service; needs `root` and `component`. */}}
{{- define "demo-services.component" -}}
{{- printf "%s-%s" (include "demo-services.fullname" .root) .component -}}
{{- end -}}

{{/* The services behind the gateway, which it finds by name. */}}
{{- define "demo-services.leaves" -}}
auth metadata recommendations playback
{{- end -}}

{{- define "demo-services.all" -}}
{{ include "demo-services.leaves" . }} gateway
{{- end -}}

{{- define "demo-services.databaseSecret" -}}
{{- required "database.secret: it must name a Secret with the URL of a database" .Values.database.secret -}}
{{- end -}}

{{- define "demo-services.usersSecret" -}}
{{- required "users.secret: it must name a Secret with users.jsonl and manifest.key, as `demo-services setup` makes them" .Values.users.secret -}}
{{- end -}}

{{- define "demo-services.adminSecret" -}}
{{- .Values.admin.secret | default (printf "%s-admin" (include "demo-services.fullname" .)) -}}
{{- end -}}

{{- define "demo-services.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* What all pods of a release are selected by. */}}
{{- define "demo-services.selectorOfAll" -}}
app.kubernetes.io/name: demo-services
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What the pods of one service are selected by; needs `root` and `component`. */}}
{{- define "demo-services.selector" -}}
{{ include "demo-services.selectorOfAll" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "demo-services.commonLabels" -}}
{{ include "demo-services.selectorOfAll" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Needs `root` and `component`. */}}
{{- define "demo-services.labels" -}}
{{ include "demo-services.commonLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}
