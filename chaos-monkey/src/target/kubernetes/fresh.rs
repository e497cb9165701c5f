//! What decides about a kill, read afresh: the owner, its namespace, its pods, and the disruption
//! budgets that select them.

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Namespace, Pod as PodResource};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{GetParams, ListParams};
use kube::core::{Request, Selector, SelectorExt as _};
use kube::{Api, Client, Resource};
use tokio::time::Instant;

use super::connection::{ClusterError, ask};
use super::list::Listing;
use super::owner::{self, ReadOwner};
use crate::agent::cluster::{Described, OwnerName, Pod, Texts};
use crate::agent::guard::{DisruptionBudget, OwnerState};
use crate::agent::object::Object;
use crate::schema::OwnerKind;

/// What decides about a kill.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    /// When the first of it was asked for.
    pub(super) asked: Instant,
    pub(super) namespace: Described,
    pub(super) owner: Described,
    pub(super) state: OwnerState,
    /// In the order of their names.
    pub(super) pods: Vec<Pod>,
    budgets: Vec<(Selector, DisruptionBudget)>,
}

impl Fresh {
    /// Reads it; `None` where the owner or its namespace is no more.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub(super) async fn read(
        client: &Client,
        name: &OwnerName,
    ) -> Result<Option<Self>, ClusterError> {
        let asked = Instant::now();
        let (namespace, owner, budgets) = tokio::try_join!(
            namespace(client, &name.namespace),
            owner::read(client, name),
            budgets(client, &name.namespace),
        )?;
        let (Some(namespace), Some(owner)) = (namespace, owner) else {
            return Ok(None);
        };
        Ok(Some(Self {
            asked,
            namespace,
            pods: pods(client, name, &owner).await?,
            owner: owner.described,
            state: owner.state,
            budgets,
        }))
    }

    /// Reads again all of it but the other pods of the owner; `false` where the owner, its
    /// namespace or the pod is no more.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub(super) async fn renew(
        &mut self,
        client: &Client,
        name: &OwnerName,
        victim: &str,
    ) -> Result<bool, ClusterError> {
        let asked = Instant::now();
        let what = format!("{}/{victim}", name.namespace);
        let pod = Request::new(PodResource::url_path(&(), Some(&name.namespace)));
        let pod = pod.get(victim, &GetParams::default());
        let pod = pod.map_err(kube::Error::BuildRequest);
        let (namespace, owner, budgets, pod) = tokio::try_join!(
            namespace(client, &name.namespace),
            owner::read(client, name),
            budgets(client, &name.namespace),
            ask(format!("get pod {what}"), async {
                match client.request::<Object>(pod?).await {
                    Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
                    answer => answer.map(Some),
                }
            }),
        )?;
        let (Some(namespace), Some(owner), Some(pod)) = (namespace, owner, pod) else {
            return Ok(false);
        };
        let Some(known) = self.pods.iter_mut().find(|it| it.uid == pod.metadata.uid) else {
            return Ok(false);
        };
        *known = pod.into_pod(owner.of_pods(name));
        self.asked = asked;
        self.namespace = namespace;
        self.owner = owner.described;
        self.state = owner.state;
        self.budgets = budgets;
        Ok(true)
    }

    /// The disruption budgets that select a pod.
    pub(super) fn budgets_of(&self, labels: &Texts) -> Vec<DisruptionBudget> {
        let selecting = self
            .budgets
            .iter()
            .filter(|(selector, _)| selector.matches(labels));
        selecting.map(|(_, budget)| budget.clone()).collect()
    }
}

pub(super) async fn namespace(
    client: &Client,
    name: &str,
) -> Result<Option<Described>, ClusterError> {
    let api: Api<Namespace> = Api::all(client.clone());
    let found = ask(format!("get namespace {name}"), api.get_metadata_opt(name)).await?;
    Ok(found.map(|it| Described {
        labels: it.metadata.labels.unwrap_or_default(),
        annotations: it.metadata.annotations.unwrap_or_default(),
    }))
}

async fn budgets(
    client: &Client,
    namespace: &str,
) -> Result<Vec<(Selector, DisruptionBudget)>, ClusterError> {
    let api: Api<PodDisruptionBudget> = Api::namespaced(client.clone(), namespace);
    let what = format!("list disruption budgets of {namespace}");
    let all = ask(what, api.list(&ListParams::default())).await?;
    all.items.into_iter().filter_map(budget).collect()
}

/// A budget with what it selects; one without a selector selects nothing.
fn budget(it: PodDisruptionBudget) -> Option<Result<(Selector, DisruptionBudget), ClusterError>> {
    let name = it.metadata.name.unwrap_or_default();
    let selector = it.spec?.selector?;
    let status = it.status.unwrap_or_default();
    let is_stale = status.observed_generation.unwrap_or(0) < it.metadata.generation.unwrap_or(0);
    let allowed = if is_stale {
        0
    } else {
        status.disruptions_allowed
    };
    let budget = DisruptionBudget { name, allowed };
    Some(match Selector::try_from(selector) {
        Ok(selector) => Ok((selector, budget)),
        Err(error) => Err(unreadable(&budget.name, &error)),
    })
}

fn unreadable(name: &str, error: &dyn std::error::Error) -> ClusterError {
    ClusterError::Refused {
        what: format!("read the selector of {name}"),
        why: error.to_string(),
        code: 0,
    }
}

/// The pods of an owner, whichever others its selector selects.
async fn pods(
    client: &Client,
    name: &OwnerName,
    owner: &ReadOwner,
) -> Result<Vec<Pod>, ClusterError> {
    let selector = Selector::try_from(owner.selector.clone());
    let selector = selector.map_err(|error| unreadable(&name.to_string(), &error))?;
    let labels = Some(selector.to_string()).filter(|text| !text.is_empty());
    let controllers = controllers(client, name, owner, labels.clone()).await?;
    let listing = Listing {
        path: PodResource::url_path(&(), Some(&name.namespace)),
        labels,
        only_metadata: false,
    };
    let mut pods: Vec<Pod> = listing
        .all(client)
        .await?
        .into_iter()
        .filter(|pod| {
            let controller = pod.metadata.controller();
            controller.is_some_and(|it| controllers.contains(&it.uid))
        })
        .map(|pod| pod.into_pod(owner.of_pods(name)))
        .collect();
    pods.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(pods)
}

/// The identities of what pods name as their controller: the owner, or its ReplicaSets.
async fn controllers(
    client: &Client,
    name: &OwnerName,
    owner: &ReadOwner,
    labels: Option<String>,
) -> Result<Vec<String>, ClusterError> {
    if name.kind != OwnerKind::Deployment {
        return Ok(vec![owner.uid.clone()]);
    }
    let listing = Listing {
        path: ReplicaSet::url_path(&(), Some(&name.namespace)),
        labels,
        only_metadata: true,
    };
    let sets = listing.all(client).await?.into_iter();
    Ok(sets
        .filter(|set| {
            let controller = set.metadata.controller();
            controller.is_some_and(|it| it.uid == owner.uid)
        })
        .map(|set| set.metadata.uid)
        .collect())
}
