//! Whether an agent may do what it must be able to do, asked of the cluster itself.

use futures_util::future::join_all;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::connection::{ClusterError, Connection, ask};
use super::ledger::LedgerStore;
use super::record::Records;
use super::{outage, webhook};
use crate::agent::Rules;
use crate::schema::KillMethod;

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: String,
    /// What is wrong with it, if anything is.
    pub trouble: Option<String>,
}

/// A permission: verb, API group, resource, subresource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// What is done.
    pub verb: &'static str,
    /// To what, as `group/resource/subresource`.
    pub group: &'static str,
    /// The resource.
    pub resource: &'static str,
    /// The subresource; empty where there is none.
    pub subresource: &'static str,
}

const fn may(verb: &'static str, group: &'static str, resource: &'static str) -> Permission {
    Permission {
        verb,
        group,
        resource,
        subresource: "",
    }
}

const fn may_below(
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
) -> Permission {
    Permission {
        verb,
        group,
        resource,
        subresource,
    }
}

/// What an agent needs where it kills, apart from the killing itself.
pub const EVERYWHERE: [Permission; 23] = [
    may("get", "", "namespaces"),
    may("list", "", "namespaces"),
    may("watch", "", "namespaces"),
    may("get", "", "pods"),
    may("list", "", "pods"),
    may("watch", "", "pods"),
    may("get", "", "replicationcontrollers"),
    may("list", "", "replicationcontrollers"),
    may("watch", "", "replicationcontrollers"),
    may("get", "apps", "deployments"),
    may("list", "apps", "deployments"),
    may("watch", "apps", "deployments"),
    may("get", "apps", "replicasets"),
    may("list", "apps", "replicasets"),
    may("watch", "apps", "replicasets"),
    may("get", "apps", "statefulsets"),
    may("list", "apps", "statefulsets"),
    may("watch", "apps", "statefulsets"),
    may("get", "apps", "daemonsets"),
    may("list", "apps", "daemonsets"),
    may("watch", "apps", "daemonsets"),
    may("list", "policy", "poddisruptionbudgets"),
    may("get", "", "configmaps"),
];

/// What an agent needs to tell of kills.
pub const TELLING: [Permission; 1] = [may("create", "events.k8s.io", "events")];

/// What no Role can grant: where the settings name their namespaces, each of them is read instead.
const OF_CLUSTERS: [Permission; 2] = [
    may("list", "", "namespaces"),
    may("watch", "", "namespaces"),
];

/// What an agent needs in its own namespace.
pub const AT_HOME: [Permission; 13] = [
    may("get", "coordination.k8s.io", "leases"),
    may("create", "coordination.k8s.io", "leases"),
    may("update", "coordination.k8s.io", "leases"),
    may("get", "chaos.aplomb.dev", "kills"),
    may("list", "chaos.aplomb.dev", "kills"),
    may("create", "chaos.aplomb.dev", "kills"),
    may("delete", "chaos.aplomb.dev", "kills"),
    may_below("patch", "chaos.aplomb.dev", "kills", "status"),
    may("get", "chaos.aplomb.dev", "killledgers"),
    may("create", "chaos.aplomb.dev", "killledgers"),
    may("update", "chaos.aplomb.dev", "killledgers"),
    // The halt of everything.
    may("get", "", "configmaps"),
    // Only used where `spec.recovery.halt` is set.
    may("create", "", "configmaps"),
];

/// What a method needs where it kills.
pub const fn killing(method: KillMethod) -> Permission {
    match method {
        KillMethod::Evict => may_below("create", "", "pods", "eviction"),
        KillMethod::Delete(_) | KillMethod::DeleteNow => may("delete", "", "pods"),
    }
}

/// Checks permissions, resources, the outage probe and webhooks.
pub async fn check(connection: &Connection, namespace: &str, rules: &Rules) -> Vec<Finding> {
    let everywhere = EVERYWHERE
        .into_iter()
        .chain(TELLING)
        .chain([killing(rules.method())]);
    let at_home = AT_HOME
        .into_iter()
        .filter(|it| rules.recovery().halt || *it != may("create", "", "configmaps"));
    let named: Vec<&String> = rules.named_namespaces().collect();
    let places: Vec<Option<&str>> = if named.is_empty() {
        vec![None]
    } else {
        named.into_iter().map(|name| Some(name.as_str())).collect()
    };
    let mut questions = Vec::new();
    for permission in everywhere {
        let of_clusters = OF_CLUSTERS.contains(&permission);
        let places = places.iter().copied();
        questions.extend(
            places
                .filter(|place| place.is_none() || !of_clusters)
                .map(|place| (permission, place)),
        );
    }
    questions.extend(at_home.map(|permission| (permission, Some(namespace))));
    let asked = questions.into_iter();
    let asked = asked.map(|(permission, place)| review(connection, permission, place));
    let mut findings = join_all(asked).await;
    let ledger = LedgerStore::new(connection.client.clone(), namespace);
    let records = Records::new(connection.client.clone(), namespace);
    findings.push(finding(
        "the ledger of kills can be read",
        ledger.get().await.map(drop),
    ));
    findings.push(finding(
        "the records of kills can be read",
        records.all().await.map(drop),
    ));
    if let Some(probe) = &rules.guards().outage {
        findings.push(Finding {
            what: "the outage probe answers that all is well".to_owned(),
            trouble: outage::ask(probe).await,
        });
    }
    for webhook in rules.webhooks() {
        findings.push(Finding {
            what: format!("the webhook `{}` can be reached", webhook.name),
            trouble: webhook::trouble(webhook).await,
        });
    }
    findings
}

fn finding(what: &str, result: Result<(), ClusterError>) -> Finding {
    Finding {
        what: what.to_owned(),
        trouble: result.err().map(|error| error.to_string()),
    }
}

async fn review(connection: &Connection, it: Permission, namespace: Option<&str>) -> Finding {
    let group = if it.group.is_empty() { "" } else { "." };
    let slash = if it.subresource.is_empty() { "" } else { "/" };
    let place = namespace.map_or_else(|| "everywhere".to_owned(), |it| format!("in `{it}`"));
    let what = format!(
        "may {} {}{slash}{}{group}{} {place}",
        it.verb, it.resource, it.subresource, it.group
    );
    let owned = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let review = SelfSubjectAccessReview {
        metadata: ObjectMeta::default(),
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                verb: owned(it.verb),
                group: owned(it.group),
                resource: owned(it.resource),
                subresource: owned(it.subresource),
                namespace: namespace.map(str::to_owned),
                // A Role can allow to get its own namespace, and only by its name.
                name: namespace
                    .filter(|_| it.resource == "namespaces")
                    .map(str::to_owned),
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        status: None,
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(connection.client.clone());
    let parameters = PostParams::default();
    let answer = ask("review an access", api.create(&parameters, &review)).await;
    let trouble = match answer {
        Ok(review) => match review.status {
            Some(status) if status.allowed => None,
            status => {
                let reason = status.and_then(|status| status.reason).unwrap_or_default();
                let colon = if reason.is_empty() { "" } else { ": " };
                Some(format!("not allowed{colon}{reason}"))
            }
        },
        Err(error) => Some(error.to_string()),
    };
    Finding { what, trouble }
}

#[cfg(test)]
mod tests;
