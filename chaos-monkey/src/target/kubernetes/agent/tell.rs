//! Events of Kubernetes about pods and owners.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::time::timeout;

use crate::agent::cluster::{OwnerName, Pod};
use crate::schema::{KillOutcome, LedgerEntry, OwnerKind};
use crate::target::kubernetes::{ANSWER_LIMIT, Told};

/// Tells of kills where people look at pods.
pub(super) struct Teller {
    recorder: Recorder,
}

impl Teller {
    pub(super) fn new(client: Client, identity: &str) -> Self {
        let reporter = Reporter {
            controller: "chaos.aplomb.dev/agent".to_owned(),
            instance: Some(identity.to_owned()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Tells in the log what became of a kill, and on pod and owner if something was sent.
    pub(super) async fn told(&self, owner: &OwnerName, pod: &Pod, told: &Told) {
        let name = &pod.name;
        let (outcome, reason) = match told {
            Told::Vetoed(veto) => {
                tracing::info!(%owner, pod = name, by = veto.by, reason = veto.reason, "not killed");
                return;
            }
            Told::WouldKill => {
                tracing::info!(%owner, pod = name, "would be killed (dry run)");
                return;
            }
            Told::Done { outcome, reason } => (*outcome, reason.clone().unwrap_or_default()),
        };
        tracing::info!(%owner, pod = name, outcome = outcome.as_str(), reason, "a kill");
        if outcome == KillOutcome::NotSent {
            return;
        }
        let (type_, word) = match outcome {
            KillOutcome::Killed => (EventType::Normal, "ChaosKilled"),
            KillOutcome::Refused | KillOutcome::NotSent => (EventType::Normal, "ChaosRefused"),
            KillOutcome::Unknown => (EventType::Warning, "ChaosUnknown"),
        };
        let colon = if reason.is_empty() { "" } else { ": " };
        let note = format!("pod {name} {}{colon}{reason}", outcome.as_str());
        self.publish(type_, word, note.clone(), pod_reference(pod))
            .await;
        self.publish(type_, word, note, reference(owner)).await;
    }

    /// Tells on the owner that it is not whole within its limit.
    pub(super) async fn is_late(&self, entry: &LedgerEntry, reason: &str) {
        let note = format!("not whole since pod {} was killed: {reason}", entry.pod);
        self.publish(
            EventType::Warning,
            "ChaosNotWhole",
            note,
            reference(&entry.owner),
        )
        .await;
    }

    /// Nothing depends on an event: one that cannot be written is told of in the log.
    async fn publish(
        &self,
        type_: EventType,
        reason: &str,
        mut note: String,
        about: ObjectReference,
    ) {
        /// As long as an event may be.
        const LONGEST_NOTE: usize = 1_000;
        note.truncate(note.floor_char_boundary(LONGEST_NOTE));
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(note),
            action: "Kill".to_owned(),
            secondary: None,
        };
        match timeout(ANSWER_LIMIT, self.recorder.publish(&event, &about)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "an event could not be written"),
            Err(_) => tracing::warn!("an event could not be written in time"),
        }
    }
}

fn pod_reference(pod: &Pod) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        namespace: Some(pod.namespace.clone()),
        name: Some(pod.name.clone()),
        uid: Some(pod.uid.clone()),
        ..ObjectReference::default()
    }
}

fn reference(owner: &OwnerName) -> ObjectReference {
    let api_version = match owner.kind {
        OwnerKind::ReplicationController => "v1",
        _ => "apps/v1",
    };
    ObjectReference {
        api_version: Some(api_version.to_owned()),
        kind: Some(owner.kind.as_str().to_owned()),
        namespace: Some(owner.namespace.clone()),
        name: Some(owner.name.clone()),
        ..ObjectReference::default()
    }
}
