//! Watches of metadata: they keep the census up to date, and tell whether it can be believed.
//!
//! `object after object → complete → each change from the version of the list on → …`, and from the
//! beginning when the cluster has forgotten that version.

mod changes;
mod protobuf;
mod source;
mod unpack;
mod whole_list;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use kube::Client;
use parking_lot::Mutex;
use tokio::time::sleep;

use self::changes::{Change, changes};
use self::source::{Listed, Source};
use super::connection::ClusterError;
use crate::agent::Rules;
use crate::agent::census::{Census, Survey};
use crate::agent::cluster::OwnerName;
use crate::agent::object::ObjectMetadata;
use crate::agent::workload::Misread;

/// How long is waited after a failure; each time twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often a namespace is read that cannot be watched.
const READ_NAMESPACE_EVERY: Duration = Duration::from_secs(30);

/// Something that a cluster has told of one source.
enum News {
    Begins,
    Is(Box<ObjectMetadata>),
    IsGone(Box<ObjectMetadata>),
    Complete,
}

/// The census of a cluster, kept up to date by watches.
pub struct Watches {
    rules: Arc<Rules>,
    sources: Vec<Source>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    census: Census,
    /// For each source the round of its list, and whether one has been completed.
    rounds: Vec<(u32, bool)>,
}

impl Watches {
    /// A census by some settings, which nobody has told of anything.
    pub fn new(rules: Arc<Rules>) -> Arc<Self> {
        let sources = source::all(&rules);
        let state = State {
            rounds: vec![(0, false); sources.len()],
            ..State::default()
        };
        Arc::new(Self {
            rules,
            sources,
            state: Mutex::new(state),
        })
    }

    /// Watches until it is cancelled.
    pub async fn run(&self, client: Client) {
        let all = (0..self.sources.len()).map(|index| self.follow(&client, index));
        join_all(all).await;
    }

    /// Whether each list has been completed once.
    pub fn is_complete(&self) -> bool {
        let state = self.state.lock();
        state.rounds.iter().all(|(_, is_complete)| *is_complete)
    }

    /// The owners of pods that may be killed, in order, and what the filters have refused.
    pub fn survey(&self) -> Survey {
        self.state.lock().census.survey(&self.rules)
    }

    /// The owners whose annotations nobody understands.
    pub fn misread(&self) -> BTreeMap<OwnerName, Misread> {
        self.state.lock().census.misread(&self.rules)
    }

    /// How many pods are known that may be victims.
    pub fn pod_count(&self) -> usize {
        self.state.lock().census.pod_count()
    }

    /// Follows one source, and begins anew whatever happens.
    async fn follow(&self, client: &Client, index: usize) {
        let source = &self.sources[index];
        let mut pause = FIRST_PAUSE;
        loop {
            match self.follow_once(client, index).await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::warn!(what = source.path(), %error, "it is listed anew later");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
        }
    }

    /// A whole list, and then each change until that cannot go on.
    async fn follow_once(&self, client: &Client, index: usize) -> Result<(), ClusterError> {
        let source = &self.sources[index];
        if let Listed::Namespace(name) = &source.listed {
            return self.read_again_and_again(client, index, name).await;
        }
        let mut version = self.list(client, index).await?;
        let mut pause = FIRST_PAUSE;
        loop {
            let mut all = Box::pin(changes(client, source, version.clone()));
            let mut was_told = false;
            while let Some(change) = all.next().await {
                was_told = true;
                match change {
                    Change::Is(metadata) => {
                        version.clone_from(&metadata.resource_version);
                        self.learn(index, News::Is(metadata));
                    }
                    Change::IsGone(metadata) => {
                        version.clone_from(&metadata.resource_version);
                        self.learn(index, News::IsGone(metadata));
                    }
                    Change::Nothing { version: newer } => version = newer,
                    Change::Forgotten => return Ok(()),
                    Change::Failed(error) => {
                        was_told = false;
                        tracing::warn!(what = source.path(), error, "a watch goes on later");
                        break;
                    }
                }
            }
            if was_told {
                pause = FIRST_PAUSE;
                continue;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Takes in a whole list, and gives its version.
    async fn list(&self, client: &Client, index: usize) -> Result<String, ClusterError> {
        self.learn(index, News::Begins);
        let take = |metadata| self.learn(index, News::Is(metadata));
        let version = whole_list::read(client, &self.sources[index], take).await?;
        self.learn(index, News::Complete);
        Ok(version)
    }

    /// What may read one namespace cannot watch it.
    async fn read_again_and_again(
        &self,
        client: &Client,
        index: usize,
        name: &str,
    ) -> Result<(), ClusterError> {
        loop {
            let read = source::read_namespace(client, name).await?;
            self.learn(index, News::Begins);
            if let Some(metadata) = read {
                self.learn(index, News::Is(Box::new(metadata)));
            }
            self.learn(index, News::Complete);
            sleep(READ_NAMESPACE_EVERY).await;
        }
    }

    fn learn(&self, index: usize, news: News) {
        let mut state = self.state.lock();
        let State { census, rounds } = &mut *state;
        let (round, is_complete) = &mut rounds[index];
        let Source { listed, namespace } = &self.sources[index];
        let namespace = namespace.as_deref();
        match (news, listed) {
            (News::Begins, _) => *round += 1,
            (News::Is(metadata), Listed::Namespaces | Listed::Namespace(_)) => {
                census.namespace(&self.rules, *metadata, *round);
            }
            (News::Is(metadata), Listed::Owners(kind)) => {
                census.owner(&self.rules, *kind, *metadata, *round);
            }
            (News::Is(metadata), Listed::Pods) => census.pod(&self.rules, *metadata, *round),
            (News::IsGone(metadata), Listed::Namespaces | Listed::Namespace(_)) => {
                census.forget_namespace(&metadata.name);
            }
            (News::IsGone(metadata), Listed::Owners(kind)) => {
                census.forget_owner(*kind, &metadata.namespace, &metadata.name);
            }
            (News::IsGone(metadata), Listed::Pods) => census.forget_pod(&metadata.uid),
            (News::Complete, listed) => {
                *is_complete = true;
                match listed {
                    Listed::Namespaces => census.namespaces_complete(*round, None),
                    Listed::Namespace(name) => census.namespaces_complete(*round, Some(name)),
                    Listed::Owners(kind) => census.owners_complete(*kind, *round, namespace),
                    Listed::Pods => census.pods_complete(*round, namespace),
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
