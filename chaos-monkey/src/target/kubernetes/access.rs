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
use super::{clock, halt, lease, ledger, outage, webhook};
use crate::agent::Rules;
use crate::schema::{GameDayChoice, KillMethod};

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: String,
    /// What is wrong with it, if anything is.
    pub trouble: Option<String>,
}

/// A permission: a verb, and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// What is done.
    pub verb: &'static str,
    /// The API group of the resource; empty for the core.
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

/// What an agent needs for the whole cluster, where its settings name no namespaces.
const CLUSTER: [Permission; 2] = [
    may("list", "", "namespaces"),
    may("watch", "", "namespaces"),
];

/// What an agent needs where it kills, apart from the killing itself.
const WHERE_IT_KILLS: [Permission; 22] = [
    may("get", "", "namespaces"),
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
    may("create", "events.k8s.io", "events"),
];

/// What an agent needs besides where it kills, if it runs game days of that place.
const FOR_GAME_DAYS: [Permission; 6] = [
    may("get", "chaos.aplomb.dev", "gamedays"),
    may("list", "chaos.aplomb.dev", "gamedays"),
    may("watch", "chaos.aplomb.dev", "gamedays"),
    may_below("patch", "chaos.aplomb.dev", "gamedays", "status"),
    may("get", "chaos.aplomb.dev", "systems"),
    may("get", "", "services"),
];

/// What an agent needs in its own namespace.
const AT_HOME: [Permission; 15] = [
    may("get", "coordination.k8s.io", "leases"),
    may("create", "coordination.k8s.io", "leases"),
    may("update", "coordination.k8s.io", "leases"),
    may("list", "chaos.aplomb.dev", "kills"),
    may("create", "chaos.aplomb.dev", "kills"),
    may("delete", "chaos.aplomb.dev", "kills"),
    may_below("patch", "chaos.aplomb.dev", "kills", "status"),
    may("get", "chaos.aplomb.dev", "killledgers"),
    may("create", "chaos.aplomb.dev", "killledgers"),
    may("update", "chaos.aplomb.dev", "killledgers"),
    may("get", "", "configmaps"),
    // Its own pod, and whose that is, so that it never kills itself.
    may("get", "", "namespaces"),
    may("get", "", "pods"),
    may("get", "apps", "replicasets"),
    may("get", "apps", "deployments"),
];

/// What a method needs where it kills.
const fn killing(method: KillMethod) -> Permission {
    match method {
        KillMethod::Evict => may_below("create", "", "pods", "eviction"),
        KillMethod::Delete(_) | KillMethod::DeleteNow => may("delete", "", "pods"),
    }
}

/// A permission, and where it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question<'a> {
    permission: Permission,
    /// In the whole cluster without.
    namespace: Option<&'a str>,
    /// For one object of this name.
    name: Option<&'a str>,
}

/// Everything that the agent needs whose lease has this name.
fn questions<'a>(home: &'a str, lease: &'a str, rules: &'a Rules) -> Vec<Question<'a>> {
    let question = |namespace: Option<&'a str>| {
        move |permission: Permission| Question {
            name: name(permission, namespace, lease),
            permission,
            namespace,
        }
    };
    let mut places: Vec<Option<&str>> = rules
        .named_namespaces()
        .map(|name| Some(name.as_str()))
        .collect();
    let mut questions = Vec::new();
    if places.is_empty() {
        places.push(None);
        questions.extend(CLUSTER.map(question(None)));
    }
    for place in places {
        let permissions = WHERE_IT_KILLS.into_iter().chain([killing(rules.method())]);
        questions.extend(permissions.map(question(place)));
        if rules.game_days() != GameDayChoice::None {
            questions.extend(FOR_GAME_DAYS.map(question(place)));
        }
    }
    questions.extend(AT_HOME.map(question(Some(home))));
    if rules.recovery().halt {
        questions.push(question(Some(home))(may("create", "", "configmaps")));
    }
    questions
}

/// The only object of a kind that is touched. What is not there yet cannot be named.
fn name<'a>(it: Permission, namespace: Option<&'a str>, lease: &'a str) -> Option<&'a str> {
    match (it.verb, it.resource) {
        ("get", "namespaces") => namespace,
        ("get", "configmaps") => Some(halt::NAME),
        ("get" | "update", "killledgers") => Some(ledger::NAME),
        ("get" | "update", "leases") => Some(lease),
        _ => None,
    }
}

/// Checks the permissions of an agent, its resources, its clock, the outage probe and webhooks.
pub async fn check(
    connection: &Connection,
    namespace: &str,
    agent: &str,
    rules: &Rules,
) -> Vec<Finding> {
    let lease = lease::name(agent);
    let questions = questions(namespace, &lease, rules);
    let asked = questions
        .iter()
        .map(|question| review(connection, question));
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
    let distrust = clock::distrust(&connection.client).await;
    findings.push(Finding {
        what: "the clock here is that of the cluster".to_owned(),
        trouble: distrust.unwrap_or_else(|error| Some(error.to_string())),
    });
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

/// As it stands on the line of a question: `get pods`, `update leases.coordination.k8s.io`.
fn shown(it: &Question<'_>) -> String {
    let Permission {
        verb,
        group,
        resource,
        subresource,
    } = it.permission;
    let dot = if group.is_empty() { "" } else { "." };
    let slash = if subresource.is_empty() { "" } else { "/" };
    let name = it
        .name
        .map_or_else(String::new, |name| format!(" `{name}`"));
    let place = it
        .namespace
        .map_or_else(|| "everywhere".to_owned(), |it| format!("in `{it}`"));
    format!("may {verb} {resource}{slash}{subresource}{dot}{group}{name} {place}")
}

async fn review(connection: &Connection, question: &Question<'_>) -> Finding {
    let what = shown(question);
    let owned = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let it = question.permission;
    let review = SelfSubjectAccessReview {
        metadata: ObjectMeta::default(),
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                verb: owned(it.verb),
                group: owned(it.group),
                resource: owned(it.resource),
                subresource: owned(it.subresource),
                namespace: question.namespace.map(str::to_owned),
                name: question.name.map(str::to_owned),
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
