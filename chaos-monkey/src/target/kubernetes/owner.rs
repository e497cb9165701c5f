//! How a controller is: how many pods it wants and has, and whether it is being changed.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::ReplicationController;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::connection::{ClusterError, ask};
use crate::agent::cluster::{Described, OwnerName};
use crate::agent::guard::OwnerState;
use crate::schema::OwnerKind;

/// A controller as it was read.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadOwner {
    pub(super) uid: String,
    pub(super) described: Described,
    /// The labels of its pods, as the API reads a selector.
    pub(super) selector: LabelSelector,
    pub(super) state: OwnerState,
}

/// Reads a controller; `None` where there is none of this name.
///
/// # Errors
///
/// The cluster refuses or is too slow.
pub(super) async fn read(
    client: &Client,
    name: &OwnerName,
) -> Result<Option<ReadOwner>, ClusterError> {
    match name.kind {
        OwnerKind::Deployment => Ok(get(client, name).await?.map(|it| deployment(&it))),
        OwnerKind::StatefulSet => Ok(get(client, name).await?.map(|it| stateful_set(&it))),
        OwnerKind::DaemonSet => Ok(get(client, name).await?.map(|it| daemon_set(&it))),
        OwnerKind::ReplicaSet => Ok(get(client, name).await?.map(|it| replica_set(&it))),
        OwnerKind::ReplicationController => Ok(get(client, name)
            .await?
            .map(|it| replication_controller(&it))),
    }
}

async fn get<K>(client: &Client, name: &OwnerName) -> Result<Option<K>, ClusterError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug,
    K: DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), &name.namespace);
    ask(format!("get {name}"), api.get_opt(&name.name)).await
}

fn read_owner(meta: &ObjectMeta, selector: LabelSelector, state: OwnerState) -> ReadOwner {
    ReadOwner {
        uid: meta.uid.clone().unwrap_or_default(),
        described: Described {
            labels: meta.labels.clone().unwrap_or_default(),
            annotations: meta.annotations.clone().unwrap_or_default(),
        },
        selector,
        state,
    }
}

fn is_stale(meta: &ObjectMeta, observed: Option<i64>) -> bool {
    observed.unwrap_or(0) < meta.generation.unwrap_or(0)
}

fn number(value: Option<i32>) -> u32 {
    value.unwrap_or(0).max(0) as u32
}

fn deployment(it: &Deployment) -> ReadOwner {
    let spec = it.spec.clone().unwrap_or_default();
    let status = it.status.clone().unwrap_or_default();
    let wanted = number(spec.replicas.or(Some(1)));
    let (all, updated) = (number(status.replicas), number(status.updated_replicas));
    let rollout = if updated < wanted {
        Some(format!("{updated} of {wanted} pods are new"))
    } else if all > updated {
        Some(format!("{} old pods are left", all - updated))
    } else {
        None
    };
    let state = OwnerState {
        wanted,
        ready: number(status.ready_replicas),
        rollout,
        is_stale: is_stale(&it.metadata, status.observed_generation),
    };
    read_owner(&it.metadata, spec.selector, state)
}

fn stateful_set(it: &StatefulSet) -> ReadOwner {
    let spec = it.spec.clone().unwrap_or_default();
    let status = it.status.clone().unwrap_or_default();
    let wanted = number(spec.replicas.or(Some(1)));
    let strategy = spec.update_strategy.unwrap_or_default();
    let kept = number(strategy.rolling_update.unwrap_or_default().partition);
    let is_new = status.update_revision == status.current_revision;
    let updated = number(status.updated_replicas);
    // Pods below the partition stay old on purpose, and with `OnDelete` all do until they die.
    let is_rolling = strategy.type_.as_deref() != Some("OnDelete")
        && !is_new
        && updated < wanted.saturating_sub(kept);
    let state = OwnerState {
        wanted,
        ready: number(status.ready_replicas),
        rollout: is_rolling.then(|| format!("{updated} of {wanted} pods are new")),
        is_stale: is_stale(&it.metadata, status.observed_generation),
    };
    read_owner(&it.metadata, spec.selector, state)
}

fn daemon_set(it: &DaemonSet) -> ReadOwner {
    let spec = it.spec.clone().unwrap_or_default();
    let status = it.status.clone().unwrap_or_default();
    let wanted = number(Some(status.desired_number_scheduled));
    let updated = number(status.updated_number_scheduled);
    let strategy = spec.update_strategy.unwrap_or_default();
    let is_rolling = strategy.type_.as_deref() != Some("OnDelete") && updated < wanted;
    let state = OwnerState {
        wanted,
        ready: number(Some(status.number_ready)),
        rollout: is_rolling.then(|| format!("{updated} of {wanted} pods are new")),
        is_stale: is_stale(&it.metadata, status.observed_generation),
    };
    read_owner(&it.metadata, spec.selector, state)
}

fn replica_set(it: &ReplicaSet) -> ReadOwner {
    let spec = it.spec.clone().unwrap_or_default();
    let status = it.status.clone().unwrap_or_default();
    let wanted = number(spec.replicas.or(Some(1)));
    let state = scaled(
        wanted,
        number(Some(status.replicas)),
        number(status.ready_replicas),
    );
    let is_stale = is_stale(&it.metadata, status.observed_generation);
    read_owner(
        &it.metadata,
        spec.selector,
        OwnerState { is_stale, ..state },
    )
}

fn replication_controller(it: &ReplicationController) -> ReadOwner {
    let spec = it.spec.clone().unwrap_or_default();
    let status = it.status.clone().unwrap_or_default();
    let wanted = number(spec.replicas.or(Some(1)));
    let state = scaled(
        wanted,
        number(Some(status.replicas)),
        number(status.ready_replicas),
    );
    let is_stale = is_stale(&it.metadata, status.observed_generation);
    let selector = LabelSelector {
        match_labels: spec.selector,
        ..LabelSelector::default()
    };
    read_owner(&it.metadata, selector, OwnerState { is_stale, ..state })
}

/// Without revisions only the number of pods changes.
fn scaled(wanted: u32, all: u32, ready: u32) -> OwnerState {
    OwnerState {
        wanted,
        ready,
        rollout: (all != wanted).then(|| format!("it has {all} pods and wants {wanted}")),
        is_stale: false,
    }
}
