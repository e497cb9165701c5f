{{/*
What the agent is allowed, and nothing else: `chaos-monkey check` asks for exactly these, and the
end-to-end tests hold both against each other.
*/}}

{{/* Where it kills, besides reading namespaces. */}}
{{- define "chaos-monkey.rulesWhereItKills" -}}
- apiGroups: [""]
  resources: [pods, replicationcontrollers]
  verbs: [get, list, watch]
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets, replicasets]
  verbs: [get, list, watch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [chaos-halt]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- if eq (include "chaos-monkey.runsGameDays" .) "true" }}
- apiGroups: [chaos.aplomb.dev]
  resources: [gamedays]
  verbs: [get, list, watch]
- apiGroups: [chaos.aplomb.dev]
  resources: [gamedays/status]
  verbs: [patch]
- apiGroups: [chaos.aplomb.dev]
  resources: [systems]
  verbs: [get]
- apiGroups: [""]
  resources: [services]
  verbs: [get]
{{- end }}
{{- if eq (toString (.Values.agent.spec.method | default "evict")) "evict" }}
- apiGroups: [""]
  resources: [pods/eviction]
  verbs: [create]
{{- else }}
- apiGroups: [""]
  resources: [pods]
  verbs: [delete]
{{- end }}
{{- end -}}

{{/* In its own namespace. */}}
{{- define "chaos-monkey.rulesAtHome" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "chaos-monkey.lease" . }}]
  verbs: [get, update]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [chaos.aplomb.dev]
  resources: [kills]
  verbs: [list, create, delete]
- apiGroups: [chaos.aplomb.dev]
  resources: [kills/status]
  verbs: [patch]
- apiGroups: [chaos.aplomb.dev]
  resources: [killledgers]
  resourceNames: [chaos-ledger]
  verbs: [get, update]
- apiGroups: [chaos.aplomb.dev]
  resources: [killledgers]
  verbs: [create]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [chaos-halt]
  verbs: [get]
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [{{ .Release.Namespace }}]
  verbs: [get]
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
- apiGroups: [apps]
  resources: [replicasets, deployments]
  verbs: [get]
{{- if dig "recovery" "halt" false .Values.agent.spec }}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
{{- end }}
{{- end -}}

{{/* The account that all bindings name. */}}
{{- define "chaos-monkey.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "chaos-monkey.serviceAccount" . }}
    namespace: {{ .Release.Namespace }}
{{- end -}}
