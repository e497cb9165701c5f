//! How a controller is: how many pods it wants and has, and whether it is being changed.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{
    DaemonSet, Deployment, DeploymentCondition, ReplicaSet, StatefulSet,
};
use k8s_openapi::api::core::v1::ReplicationController;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::connection::{ClusterError, ask};
use crate::agent::cluster::{Described, Owner, OwnerName};
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
    /// The kind and name of the controller behind it, if there is one.
    pub(super) behind: Option<(String, String)>,
}

impl ReadOwner {
    /// What stands behind its pods: itself, unless another controller stands behind it, of which
    /// nobody knows what it does when one of them is killed.
    pub(super) fn of_pods(&self, name: &OwnerName) -> Owner {
        match &self.behind {
            None => Owner::Known(name.clone()),
            Some((kind, behind)) => Owner::Unknown(format!("{kind} `{behind}` behind {name}")),
        }
    }
}

/// The kind and name of the controller of an object.
pub(super) fn controller(meta: &ObjectMeta) -> Option<(String, String)> {
    let mut references = meta.owner_references.iter().flatten();
    let reference = references.find(|it| it.controller == Some(true))?;
    Some((reference.kind.clone(), reference.name.clone()))
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
        behind: controller(meta),
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
    let conditions = status.conditions.unwrap_or_default();
    let is_too_late = |it: &DeploymentCondition| {
        it.type_ == "Progressing" && it.reason.as_deref() == Some("ProgressDeadlineExceeded")
    };
    let rollout = if conditions.iter().any(is_too_late) {
        Some("it has exceeded its deadline".to_owned())
    } else if updated < wanted {
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
        unavailable: updated.saturating_sub(number(status.available_replicas)),
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
    // Pods below the partition stay old on purpose, and with `OnDelete` all do until they die. The
    // new revision becomes the current one when the last new pod is ready.
    let is_rolling = strategy.type_.as_deref() != Some("OnDelete")
        && !is_new
        && (kept == 0 || updated < wanted.saturating_sub(kept));
    let state = OwnerState {
        wanted,
        ready: number(status.ready_replicas),
        rollout: is_rolling.then(|| format!("{updated} of {wanted} pods are new")),
        unavailable: 0,
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
    let rolls = strategy.type_.as_deref() != Some("OnDelete");
    let available = number(status.number_available);
    let state = OwnerState {
        wanted,
        ready: number(Some(status.number_ready)),
        rollout: (rolls && updated < wanted).then(|| format!("{updated} of {wanted} pods are new")),
        unavailable: if rolls {
            wanted.saturating_sub(available)
        } else {
            0
        },
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
        unavailable: 0,
        is_stale: false,
    }
}

#[cfg(test)]
mod tests;
