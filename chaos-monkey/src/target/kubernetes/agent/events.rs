//! Events of Kubernetes about pods and owners: one for each kill, since what several have in common
//! hides which pods they were.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::mpsc::Receiver;

use crate::agent::cluster::OwnerName;
use crate::agent::news::{NamedPod, News};
use crate::schema::{OwnerKind, Topic};
use crate::target::kubernetes::connection::ask;
use crate::target::kubernetes::owner;

/// As long as the note of an event may be.
const LONGEST_NOTE: usize = 1_000;

/// As long as the name of an object may be, without the digits that make it unique.
const LONGEST_NAME: usize = 230;

/// As long as the name of who reports may be.
const LONGEST_INSTANCE: usize = 128;

/// Tells of kills where people look at pods.
pub(super) struct Events {
    client: Client,
    identity: String,
}

impl Events {
    pub(super) fn new(client: Client, identity: &str) -> Self {
        let mut identity = identity.to_owned();
        identity.truncate(identity.floor_char_boundary(LONGEST_INSTANCE));
        Self { client, identity }
    }

    /// Publishes news on pods and owners until there is none any more.
    pub(super) async fn publish_all(self, mut all: Receiver<News>) {
        while let Some(news) = all.recv().await {
            self.publish(&news).await;
        }
    }

    pub(super) async fn publish(&self, news: &News) {
        // What became of an owner does not concern the pod that is gone.
        if let (Some(pod), Topic::Killed | Topic::Refused | Topic::Unknown) =
            (&news.pod, news.topic)
        {
            let pod = pod_reference(&news.owner.namespace, pod);
            self.create(news, pod).await;
        }
        // An event is found by the identity of its object, which may be gone in the meantime.
        let uid = match owner::read(&self.client, &news.owner).await {
            Ok(owner) => owner.map(|owner| owner.uid),
            Err(error) => {
                tracing::warn!(%error, "an event is written without the identity of its object");
                None
            }
        };
        self.create(news, reference(&news.owner, uid)).await;
    }

    async fn create(&self, news: &News, about: ObjectReference) {
        self.write("Kill", kind(news.topic), news.sentence(), about)
            .await;
    }

    /// Tells of a game day.
    pub(super) async fn about(
        &self,
        game_day: ObjectReference,
        is_well: bool,
        reason: &'static str,
        note: &str,
    ) {
        let type_ = if is_well { "Normal" } else { "Warning" };
        self.write("RunGameDay", (type_, reason), note.to_owned(), game_day)
            .await;
    }

    /// Nothing depends on an event: one that cannot be written is told of in the log.
    async fn write(
        &self,
        action: &str,
        (type_, reason): (&str, &str),
        mut note: String,
        about: ObjectReference,
    ) {
        let namespace = about.namespace.clone().unwrap_or_default();
        note.truncate(note.floor_char_boundary(LONGEST_NOTE));
        let mut name = about.name.clone().unwrap_or_default();
        name.truncate(name.floor_char_boundary(LONGEST_NAME));
        let event = Event {
            metadata: ObjectMeta {
                name: Some(format!("{name}.{:016x}", rand::random::<u64>())),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            action: Some(action.to_owned()),
            event_time: Some(MicroTime(Timestamp::now())),
            note: Some(note),
            reason: Some(reason.to_owned()),
            regarding: Some(about),
            reporting_controller: Some("chaos.aplomb.dev/agent".to_owned()),
            reporting_instance: Some(self.identity.clone()),
            type_: Some(type_.to_owned()),
            ..Event::default()
        };
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let parameters = PostParams::default();
        let question = api.create(&parameters, &event);
        if let Err(error) = ask("create an event", question).await {
            tracing::warn!(%error, "an event could not be written");
        }
    }
}

const fn kind(topic: Topic) -> (&'static str, &'static str) {
    match topic {
        Topic::Killed => ("Normal", "ChaosKilled"),
        Topic::Refused => ("Normal", "ChaosRefused"),
        Topic::Unknown => ("Warning", "ChaosUnknown"),
        Topic::Whole => ("Normal", "ChaosWhole"),
        Topic::NotWhole => ("Warning", "ChaosNotWhole"),
        Topic::Misread => ("Warning", "ChaosMisread"),
        Topic::Halted => ("Warning", "ChaosHalted"),
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

fn reference(owner: &OwnerName, uid: Option<String>) -> ObjectReference {
    let api_version = match owner.kind {
        OwnerKind::ReplicationController => "v1",
        _ => "apps/v1",
    };
    ObjectReference {
        api_version: Some(api_version.to_owned()),
        kind: Some(owner.kind.as_str().to_owned()),
        namespace: Some(owner.namespace.clone()),
        name: Some(owner.name.clone()),
        uid,
        ..ObjectReference::default()
    }
}

#[cfg(test)]
mod tests;
