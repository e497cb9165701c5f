//! The one request that kills.

use k8s_openapi::api::core::v1::Pod as PodResource;
use k8s_openapi::api::policy::v1::Eviction;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    DeleteOptions, ObjectMeta, Preconditions as EvictionPreconditions,
};
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::core::Request;
use kube::{Client, Resource as _};
use serde_json::Value;
use tokio::time::Instant;

use super::connection::{ClusterError, ask};
use super::send_until::SendUntil;
use crate::agent::cluster::Pod;
use crate::schema::{KillMethod, KillOutcome};

/// What became of a request, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) outcome: KillOutcome,
    pub(super) reason: Option<String>,
}

/// Kills a pod, if it is still the one that was read, in the version that was read. After `until`
/// nothing is written to the cluster any more.
pub(super) async fn kill(client: &Client, method: KillMethod, pod: &Pod, until: Instant) -> Sent {
    let name = format!("{}/{}", pod.namespace, pod.name);
    let (what, request) = match method {
        KillMethod::Evict => (format!("evict {name}"), eviction(pod)),
        KillMethod::Delete(grace) => (
            format!("delete {name}"),
            deletion(pod, grace.get().as_secs() as u32),
        ),
        KillMethod::DeleteNow => (format!("delete {name}"), deletion(pod, 0)),
    };
    let limit = SendUntil::new(until);
    let extension = limit.clone();
    let question = async {
        let mut request = request.map_err(kube::Error::BuildRequest)?;
        request.extensions_mut().insert(extension);
        let answer = client.request::<Value>(request).await;
        answer.map_err(with_budget)
    };
    let answer = ask(what.clone(), question).await;
    match answer.and_then(|answer| success(what, method, &answer)) {
        Ok(()) => Sent {
            outcome: KillOutcome::Killed,
            reason: None,
        },
        Err(_) if limit.is_refused() => Sent {
            outcome: KillOutcome::NotSent,
            reason: Some("the way to the cluster was not free in time".to_owned()),
        },
        Err(error) => Sent {
            outcome: outcome(&error),
            reason: Some(error.to_string()),
        },
    }
}

/// Through the subresource itself: only so do the preconditions reach the API.
fn eviction(pod: &Pod) -> Result<http::Request<Vec<u8>>, kube::core::request::Error> {
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
    let body = serde_json::to_vec(&eviction).map_err(kube::core::request::Error::SerializeBody)?;
    let parameters = PostParams::default();
    pods_of(pod).create_subresource("eviction", &pod.name, &parameters, body)
}

fn deletion(pod: &Pod, grace: u32) -> Result<http::Request<Vec<u8>>, kube::core::request::Error> {
    let parameters = DeleteParams {
        grace_period_seconds: Some(grace),
        preconditions: Some(Preconditions {
            uid: Some(pod.uid.clone()),
            resource_version: Some(pod.version.clone()),
        }),
        ..DeleteParams::default()
    };
    pods_of(pod).delete(&pod.name, &parameters)
}

fn pods_of(pod: &Pod) -> Request {
    Request::new(PodResource::url_path(&(), Some(&pod.namespace)))
}

/// An eviction is answered with a status, a deletion with that or with the pod; any other answer
/// to an eviction is none. With two
/// disruption budgets on one pod an eviction is answered 201, and a failure inside.
fn success(what: String, method: KillMethod, answer: &Value) -> Result<(), ClusterError> {
    let is_status = answer["kind"] == "Status";
    let may_be_the_pod = !matches!(method, KillMethod::Evict);
    if (is_status && answer["status"] == "Success") || (!is_status && may_be_the_pod) {
        return Ok(());
    }
    let message = answer["message"].as_str();
    Err(ClusterError::Refused {
        what,
        why: message.unwrap_or("its answer is no status").to_owned(),
        code: answer["code"].as_u64().unwrap_or_default() as u16,
    })
}

/// A refusal with the word of the disruption budget that it is for: which, and what it wants.
fn with_budget(error: kube::Error) -> kube::Error {
    /// How the cluster names this cause of a refusal.
    const CAUSE: &str = "DisruptionBudget";
    let kube::Error::Api(mut status) = error else {
        return error;
    };
    let causes = status.details.iter().flat_map(|it| &it.causes);
    let budgets = causes.filter(|cause| cause.reason == CAUSE);
    let said: Vec<String> = budgets
        .map(|cause| format!("{CAUSE}: {}", cause.message))
        .collect();
    if !said.is_empty() {
        status.message = format!("{} ({})", status.message, said.join("; "));
    }
    kube::Error::Api(status)
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
