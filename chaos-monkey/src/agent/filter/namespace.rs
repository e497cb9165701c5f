//! The namespaces that the settings choose. `kube-system` must be named.

use super::Candidate;
use crate::agent::Rules;
use crate::agent::cluster::Texts;

const KUBE_SYSTEM: &str = "kube-system";

pub(super) fn check(rules: &Rules, candidate: &Candidate<'_>) -> Result<(), String> {
    let name = &candidate.pod.namespace;
    // What is not known is not there.
    let Some(namespace) = candidate.namespace else {
        return Err(format!("nothing is known about the namespace `{name}`"));
    };
    is_chosen(rules, name, &namespace.labels)
}

/// Whether a namespace is one of those that the settings choose.
pub(in crate::agent) fn is_chosen(rules: &Rules, name: &str, labels: &Texts) -> Result<(), String> {
    let chosen = &rules.namespaces;
    let is_named = chosen.only.contains(name);
    if name == KUBE_SYSTEM && !is_named {
        return Err(format!(
            "`{KUBE_SYSTEM}` is not one of spec.namespaces.only"
        ));
    }
    if !chosen.only.is_empty() && !is_named {
        return Err(format!("`{name}` is not one of spec.namespaces.only"));
    }
    if chosen.except.contains(name) {
        return Err(format!("`{name}` is one of spec.namespaces.except"));
    }
    match &chosen.labels {
        Some(selector) if !selector.selects(labels) => Err(format!(
            "the labels of `{name}` are not those of spec.namespaces.labels ({selector})"
        )),
        _ => Ok(()),
    }
}
