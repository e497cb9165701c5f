//! Watches of metadata: they keep the census up to date, and tell whether it can be believed.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Pod, ReplicationController};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Api, Client, Resource};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use super::connection::chain;
use super::watched::Watched;
use crate::agent::Rules;
use crate::agent::census::{Census, Proposal};
use crate::agent::object::{ObjectMetadata, Reference};
use crate::schema::OwnerKind;

/// How many objects are in a page of a first list.
const PAGE: u32 = 250;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Namespaces,
    Owners(OwnerKind),
    Pods,
}

/// Something that a watch has told.
enum News {
    Begins,
    Is(Box<ObjectMetadata>),
    IsGone(Box<ObjectMetadata>),
    Complete,
    Failed(String),
}

/// The census of a cluster, kept up to date by watches.
pub struct Watches {
    rules: Arc<Rules>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    census: Census,
    /// The round of each list, and whether one has been completed.
    rounds: [(u32, bool); COUNT],
}

const COUNT: usize = 7;

impl List {
    const ALL: [Self; COUNT] = [
        Self::Namespaces,
        Self::Owners(OwnerKind::Deployment),
        Self::Owners(OwnerKind::StatefulSet),
        Self::Owners(OwnerKind::DaemonSet),
        Self::Owners(OwnerKind::ReplicaSet),
        Self::Owners(OwnerKind::ReplicationController),
        Self::Pods,
    ];
}

impl Watches {
    /// A census by some settings, which nobody has told of anything.
    pub fn new(rules: Arc<Rules>) -> Arc<Self> {
        Arc::new(Self {
            rules,
            state: Mutex::new(State::default()),
        })
    }

    /// Watches until it is cancelled.
    pub async fn run(&self, client: Client) {
        let streams = List::ALL.iter().enumerate().map(|(index, watched)| {
            let news = match watched {
                List::Namespaces => news::<Namespace>(&client, false),
                List::Owners(OwnerKind::Deployment) => news::<Deployment>(&client, false),
                List::Owners(OwnerKind::StatefulSet) => news::<StatefulSet>(&client, false),
                List::Owners(OwnerKind::DaemonSet) => news::<DaemonSet>(&client, false),
                List::Owners(OwnerKind::ReplicaSet) => news::<ReplicaSet>(&client, false),
                List::Owners(OwnerKind::ReplicationController) => {
                    news::<ReplicationController>(&client, false)
                }
                List::Pods => news::<Pod>(&client, true),
            };
            news.map(move |news| (index, news)).boxed()
        });
        let mut all = stream::select_all(streams);
        while let Some((index, news)) = all.next().await {
            self.learn(index, news);
        }
    }

    /// Whether each list has been completed once.
    pub fn is_complete(&self) -> bool {
        self.state
            .lock()
            .rounds
            .iter()
            .all(|(_, is_complete)| *is_complete)
    }

    /// The owners of pods that may be killed, in order.
    pub fn proposals(&self) -> Vec<Proposal> {
        self.state.lock().census.proposals(&self.rules)
    }

    /// How many pods are known that may be victims.
    pub fn pod_count(&self) -> usize {
        self.state.lock().census.pod_count()
    }

    fn learn(&self, index: usize, news: News) {
        let mut state = self.state.lock();
        let State { census, rounds } = &mut *state;
        let (round, is_complete) = &mut rounds[index];
        let watched = List::ALL[index];
        match news {
            News::Begins => *round += 1,
            News::Is(metadata) => match watched {
                List::Namespaces => census.namespace(&self.rules, *metadata, *round),
                List::Owners(kind) => census.owner(kind, *metadata, *round),
                List::Pods => census.pod(&self.rules, *metadata, *round),
            },
            News::IsGone(metadata) => match watched {
                List::Namespaces => census.forget_namespace(&metadata.name),
                List::Owners(kind) => {
                    census.forget_owner(kind, &metadata.namespace, &metadata.name);
                }
                List::Pods => census.forget_pod(&metadata.uid),
            },
            News::Complete => {
                *is_complete = true;
                match watched {
                    List::Namespaces => census.namespaces_complete(*round),
                    List::Owners(kind) => census.owners_complete(kind, *round),
                    List::Pods => census.pods_complete(*round),
                }
            }
            News::Failed(error) => tracing::warn!(?watched, error, "a watch begins anew"),
        }
    }
}

/// The news of all objects of a kind, as long as anybody listens.
fn news<K>(client: &Client, only_running: bool) -> stream::BoxStream<'static, News>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let mut config = Config::default().page_size(PAGE);
    if only_running {
        config = config.fields("status.phase=Running");
    }
    let events = watcher(Api::<Watched<K>>::all(client.clone()), config).default_backoff();
    told(events).boxed()
}

fn told<K>(
    events: impl Stream<Item = watcher::Result<Event<Watched<K>>>>,
) -> impl Stream<Item = News> {
    events.map(|event| match event {
        Ok(Event::Init) => News::Begins,
        Ok(Event::InitApply(object) | Event::Apply(object)) => {
            News::Is(Box::new(metadata(object.into_metadata())))
        }
        Ok(Event::Delete(object)) => News::IsGone(Box::new(metadata(object.into_metadata()))),
        Ok(Event::InitDone) => News::Complete,
        Err(error) => News::Failed(chain(&error)),
    })
}

fn metadata(it: ObjectMeta) -> ObjectMetadata {
    let references = it.owner_references.unwrap_or_default().into_iter();
    ObjectMetadata {
        name: it.name.unwrap_or_default(),
        uid: it.uid.unwrap_or_default(),
        resource_version: it.resource_version.unwrap_or_default(),
        namespace: it.namespace.unwrap_or_default(),
        labels: it.labels.unwrap_or_default(),
        annotations: it.annotations.unwrap_or_default(),
        creation_timestamp: it.creation_timestamp.map(|time| time.0),
        deletion_timestamp: it.deletion_timestamp.map(|time| time.0),
        owner_references: references
            .map(|it| Reference {
                kind: it.kind,
                name: it.name,
                uid: it.uid,
                controller: it.controller.unwrap_or_default(),
            })
            .collect(),
    }
}
