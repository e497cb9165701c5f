{{/* What all pods have in common. */}}
{{- define "demo-services.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "demo-services.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where each pod runs, and what may be done to it there. */}}
{{- define "demo-services.podCommon" -}}
# Nobody here speaks to the API server.
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- include "demo-services.podSecurity" . | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The program, and what it may do; needs `root` and `resources`. */}}
{{- define "demo-services.program" -}}
image: {{ include "demo-services.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
resources:
  {{- toYaml .resources | nindent 2 }}
securityContext:
  {{- include "demo-services.containerSecurity" . | nindent 2 }}
{{- end -}}

{{/* Where the URL of the database is, as a file: a variable would be seen by whoever lists them. */}}
{{- define "demo-services.databaseMount" -}}
- name: database
  mountPath: /etc/demo-services/database
  readOnly: true
{{- end -}}
