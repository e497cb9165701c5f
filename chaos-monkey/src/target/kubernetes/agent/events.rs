//! Events of Kubernetes about pods and owners.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use crate::agent::cluster::OwnerName;
use crate::agent::news::{NamedPod, News};
use crate::schema::{OwnerKind, Topic};
use crate::target::kubernetes::ANSWER_LIMIT;

/// As long as the note of an event may be.
const LONGEST_NOTE: usize = 1_000;

/// Tells of kills where people look at pods.
pub(super) struct Events {
    recorder: Recorder,
}

impl Events {
    pub(super) fn new(client: Client, identity: &str) -> Self {
        let reporter = Reporter {
            controller: "chaos.aplomb.dev/agent".to_owned(),
            instance: Some(identity.to_owned()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Publishes news on pods and owners until there is none any more.
    pub(super) async fn publish_all(self, mut all: Receiver<News>) {
        while let Some(news) = all.recv().await {
            // What became of an owner does not concern the pod that is gone.
            if let (Some(pod), Topic::Killed | Topic::Refused | Topic::Unknown) =
                (&news.pod, news.topic)
            {
                let pod = pod_reference(&news.owner.namespace, pod);
                self.publish(&news, pod).await;
            }
            self.publish(&news, reference(&news.owner)).await;
        }
    }

    /// Nothing depends on an event: one that cannot be written is told of in the log.
    async fn publish(&self, news: &News, about: ObjectReference) {
        let (type_, reason) = kind(news.topic);
        let mut note = news.sentence();
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

const fn kind(topic: Topic) -> (EventType, &'static str) {
    match topic {
        Topic::Killed => (EventType::Normal, "ChaosKilled"),
        Topic::Refused => (EventType::Normal, "ChaosRefused"),
        Topic::Unknown => (EventType::Warning, "ChaosUnknown"),
        Topic::Whole => (EventType::Normal, "ChaosWhole"),
        Topic::NotWhole => (EventType::Warning, "ChaosNotWhole"),
        Topic::Misread => (EventType::Warning, "ChaosMisread"),
        Topic::Halted => (EventType::Warning, "ChaosHalted"),
    }
}

fn pod_reference(namespace: &str, pod: &NamedPod) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        namespace: Some(namespace.to_owned()),
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
