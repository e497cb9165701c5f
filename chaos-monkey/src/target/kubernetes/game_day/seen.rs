//! The pods of one service, as the cluster tells of them: a list, and each change from its version
//! on.

use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod as PodResource};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use tokio::time::{sleep, timeout};

use super::roster::SeenPod;
use crate::schema::KubernetesBinding;
use crate::target::kubernetes::connection::{ANSWER_LIMIT, ClusterError, ask, chain};

/// How long the cluster may go on telling, in seconds; then it is asked anew from where it stood.
const ASKED_FOR: u32 = 60;

/// How long nothing may come, before the connection is not believed any more.
const SILENCE: Duration = Duration::from_secs(70);

/// How long is waited before the cluster is asked anew.
const PAUSE: Duration = Duration::from_millis(250);

/// News of the pods of a service.
pub(super) enum News {
    /// These are all.
    All(Vec<SeenPod>),
    /// One is new, or it is another one.
    Is(Box<SeenPod>),
    /// One is gone.
    IsGone {
        /// Its identity.
        uid: String,
    },
}

/// The pods of a service, and the version of the list.
pub(super) async fn list(
    client: &Client,
    binding: &KubernetesBinding,
) -> Result<(Vec<SeenPod>, String), ClusterError> {
    let KubernetesBinding {
        namespace, pods, ..
    } = binding;
    let api: Api<PodResource> = Api::namespaced(client.clone(), namespace);
    let what = format!("list pods of {namespace} with {pods}");
    let parameters = ListParams::default().labels(pods);
    let listed = ask(what, api.list(&parameters)).await?;
    let version = listed.metadata.resource_version.unwrap_or_default();
    let mut pods: Vec<SeenPod> = listed.items.iter().map(seen).collect();
    pods.sort_by(|one, other| one.name.cmp(&other.name));
    Ok((pods, version))
}

/// Tells each change from a version on, until it is cancelled. Whenever the cluster cannot go on
/// from where it stood, it tells all pods anew.
pub(super) async fn follow(
    client: &Client,
    binding: &KubernetesBinding,
    mut version: String,
    mut tell: impl FnMut(News),
) {
    loop {
        let told = changes(client, binding, &mut version, &mut tell).await;
        sleep(PAUSE).await;
        if let Err(error) = told {
            tracing::debug!(%error, pods = binding.pods, "the pods are listed anew: {error}");
            match list(client, binding).await {
                Ok((pods, newer)) => {
                    tell(News::All(pods));
                    version = newer;
                }
                Err(error) => {
                    tracing::warn!(%error, "it is not known how the pods are: {error}");
                }
            }
        }
    }
}

/// Tells each change until the cluster ends it; an error if nobody knows how to go on.
async fn changes(
    client: &Client,
    binding: &KubernetesBinding,
    version: &mut String,
    tell: &mut impl FnMut(News),
) -> Result<(), String> {
    let api: Api<PodResource> = Api::namespaced(client.clone(), &binding.namespace);
    let parameters = WatchParams::default()
        .labels(&binding.pods)
        .timeout(ASKED_FOR);
    let opened = timeout(ANSWER_LIMIT, api.watch(&parameters, version)).await;
    let opened = opened.map_err(|_| format!("no answer within {} s", ANSWER_LIMIT.as_secs()))?;
    let mut events = opened.map_err(|error| chain(&error))?.boxed();
    loop {
        let event = timeout(SILENCE, events.next()).await;
        let event = event.map_err(|_| format!("nothing was told for {} s", SILENCE.as_secs()))?;
        let Some(event) = event else { return Ok(()) };
        match event.map_err(|error| chain(&error))? {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                *version = pod.metadata.resource_version.clone().unwrap_or_default();
                tell(News::Is(Box::new(seen(&pod))));
            }
            WatchEvent::Deleted(pod) => {
                *version = pod.metadata.resource_version.unwrap_or_default();
                let uid = pod.metadata.uid.unwrap_or_default();
                tell(News::IsGone { uid });
            }
            WatchEvent::Bookmark(bookmark) => *version = bookmark.metadata.resource_version,
            WatchEvent::Error(status) => return Err(status.message),
        }
    }
}

fn seen(pod: &PodResource) -> SeenPod {
    let status = pod.status.as_ref();
    let mut conditions = status
        .into_iter()
        .flat_map(|it| it.conditions.iter().flatten());
    let ready = conditions.find(|it| it.type_ == "Ready" && it.status == "True");
    let since = ready.and_then(|it| it.last_transition_time.as_ref());
    let containers = status
        .into_iter()
        .flat_map(|it| it.container_statuses.iter().flatten());
    let containers: Vec<&ContainerStatus> = containers.collect();
    let phase = status.and_then(|it| it.phase.as_deref());
    SeenPod {
        namespace: pod.metadata.namespace.clone().unwrap_or_default(),
        name: pod.metadata.name.clone().unwrap_or_default(),
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        is_ready: ready.is_some(),
        is_ending: pod.metadata.deletion_timestamp.is_some()
            || matches!(phase, Some("Succeeded" | "Failed")),
        ready_after: between(pod.metadata.creation_timestamp.as_ref(), since),
        restarts: containers.iter().map(|it| it.restart_count).sum(),
        last_end: last_end(&containers),
    }
}

fn between(from: Option<&Time>, to: Option<&Time>) -> Duration {
    let at = |time: Option<&Time>| time.map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let span = at(to).duration_since(at(from));
    // Only where both are known, and in this order.
    from.and(to)
        .and(Duration::try_from(span).ok())
        .unwrap_or_default()
}

/// How the container ended that ended last.
fn last_end(containers: &[&ContainerStatus]) -> Option<String> {
    let ends = containers.iter().filter_map(|it| {
        let states = [it.state.as_ref(), it.last_state.as_ref()];
        states
            .into_iter()
            .flatten()
            .find_map(|state| state.terminated.as_ref())
    });
    let last = ends.max_by_key(|it| it.finished_at.as_ref().map(|time| time.0))?;
    Some(match last.signal {
        Some(signal) => format!("signal {signal}"),
        None => format!("exit {}", last.exit_code),
    })
}
