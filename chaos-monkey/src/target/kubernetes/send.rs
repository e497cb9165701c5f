//! The one request that kills.

use k8s_openapi::api::core::v1::Pod as PodResource;
use k8s_openapi::api::policy::v1::Eviction;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    DeleteOptions, ObjectMeta, Preconditions as EvictionPreconditions,
};
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::core::Status;
use kube::core::response::StatusSummary;
use kube::{Api, Client};

use super::connection::{ClusterError, ask};
use crate::agent::cluster::Pod;
use crate::schema::{KillMethod, KillOutcome};

/// What became of a request, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) outcome: KillOutcome,
    pub(super) reason: Option<String>,
}

/// Kills a pod, if it is still the one that was read, in the version that was read.
pub(super) async fn kill(client: &Client, method: KillMethod, pod: &Pod) -> Sent {
    let api: Api<PodResource> = Api::namespaced(client.clone(), &pod.namespace);
    let name = format!("{}/{}", pod.namespace, pod.name);
    let answer = match method {
        KillMethod::Evict => evict(&api, pod, name).await,
        KillMethod::Delete(grace) => {
            delete(&api, pod, name, Some(grace.get().as_secs() as u32)).await
        }
        KillMethod::DeleteNow => delete(&api, pod, name, Some(0)).await,
    };
    match answer {
        Ok(()) => Sent {
            outcome: KillOutcome::Killed,
            reason: None,
        },
        Err(error) => Sent {
            outcome: outcome(&error),
            reason: Some(error.to_string()),
        },
    }
}

/// Through the subresource itself: only so do the preconditions reach the API.
async fn evict(api: &Api<PodResource>, pod: &Pod, name: String) -> Result<(), ClusterError> {
    let eviction = Eviction {
        metadata: ObjectMeta {
            name: Some(pod.name.clone()),
            namespace: Some(pod.namespace.clone()),
            ..ObjectMeta::default()
        },
        delete_options: Some(DeleteOptions {
            preconditions: Some(EvictionPreconditions {
                uid: Some(pod.uid.clone()),
                resource_version: Some(pod.version.clone()),
            }),
            ..DeleteOptions::default()
        }),
    };
    let what = format!("evict {name}");
    let parameters = PostParams::default();
    let question = api.create_subresource("eviction", &pod.name, &parameters, &eviction);
    let status: Status = ask(what.clone(), question).await?;
    // With two disruption budgets on one pod the answer is 201, and a failure inside.
    if status.status == Some(StatusSummary::Success) {
        return Ok(());
    }
    Err(ClusterError::Refused {
        what,
        why: status.message,
        code: status.code,
    })
}

async fn delete(
    api: &Api<PodResource>,
    pod: &Pod,
    name: String,
    grace: Option<u32>,
) -> Result<(), ClusterError> {
    let parameters = DeleteParams {
        grace_period_seconds: grace,
        preconditions: Some(Preconditions {
            uid: Some(pod.uid.clone()),
            resource_version: Some(pod.version.clone()),
        }),
        ..DeleteParams::default()
    };
    ask(format!("delete {name}"), api.delete(&pod.name, &parameters)).await?;
    Ok(())
}

/// A no with a status was decided before anything was done. Without an answer, or with one that
/// tells of a mishap on the way, it may have been done.
fn outcome(error: &ClusterError) -> KillOutcome {
    match error {
        ClusterError::Refused { code: 408, .. } => KillOutcome::Unknown,
        ClusterError::Refused {
            code: 400..=499, ..
        } => KillOutcome::Refused,
        // What an eviction answers for a pod with several disruption budgets.
        ClusterError::Refused { code: 500, why, .. } if why.contains("PodDisruptionBudget") => {
            KillOutcome::Refused
        }
        ClusterError::Refused { .. } | ClusterError::TooSlow { .. } => KillOutcome::Unknown,
        ClusterError::NoWay(_) => KillOutcome::NotSent,
    }
}

#[cfg(test)]
mod tests;
