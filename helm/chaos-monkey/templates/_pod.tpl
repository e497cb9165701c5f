{{/* What the pods of the agent and of its test have in common. */}}
{{- define "chaos-monkey.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "chaos-monkey.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "chaos-monkey.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end -}}

{{- define "chaos-monkey.mounts" -}}
- name: settings
  mountPath: /etc/chaos-monkey/settings
  readOnly: true
{{- if .Values.webhooks.secret }}
- name: webhooks
  mountPath: /etc/chaos-monkey/webhooks
  readOnly: true
{{- end }}
{{- end -}}

{{- define "chaos-monkey.volumes" -}}
- name: settings
  configMap:
    name: {{ include "chaos-monkey.fullname" . }}
{{- with .Values.webhooks.secret }}
- name: webhooks
  secret:
    secretName: {{ . }}
    defaultMode: 0444
{{- end }}
{{- end -}}
