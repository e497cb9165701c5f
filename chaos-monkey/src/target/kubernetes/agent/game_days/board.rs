//! Which game days there are, by watches of their metadata. They only say that there is something
//! to be read: while nothing changes, nothing is asked of the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;
use kube::api::{ListParams, ObjectMeta, WatchEvent, WatchParams};
use kube::{Api, Client};
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};

use super::store::{Resource, game_days};
use crate::agent::Rules;
use crate::target::kubernetes::connection::{ANSWER_LIMIT, ClusterError, ask, chain};

/// How long the cluster may go on telling, in seconds; then it is asked anew.
const ASKED_FOR: u32 = 290;

/// How long nothing may come. Between two changes the cluster sends at least a bookmark a minute.
const SILENCE: Duration = Duration::from_secs(150);

/// How long is waited after a failure; each time twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The game days of the namespaces in which an agent may kill.
pub(in crate::target::kubernetes::agent) struct Board {
    /// One namespace each, or all of them.
    places: Vec<Option<String>>,
    state: Mutex<State>,
}

struct State {
    /// How often something has changed.
    changes: u64,
    /// What is there by its identity; nothing for a place that was never listed.
    places: Vec<Option<BTreeMap<String, Noticed>>>,
}

/// A game day that somebody has applied, and nobody taken away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Noticed {
    /// When it was applied: those that came first come first.
    pub(super) created: Option<Timestamp>,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
}

impl Noticed {
    /// Namespace and name.
    pub(super) fn shown(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl Board {
    /// One that nobody has told of anything.
    pub(in crate::target::kubernetes::agent) fn new(rules: &Rules) -> Arc<Self> {
        let mut places: Vec<_> = rules.named_namespaces().cloned().map(Some).collect();
        if places.is_empty() {
            places.push(None);
        }
        let state = State {
            changes: 0,
            places: vec![None; places.len()],
        };
        Arc::new(Self {
            places,
            state: Mutex::new(state),
        })
    }

    /// How often something has changed, and what is there, in the order in which it came; nothing
    /// until each place was listed.
    pub(super) fn all(&self) -> Option<(u64, Vec<Noticed>)> {
        let state = self.state.lock();
        let mut all = Vec::new();
        for place in &state.places {
            all.extend(place.as_ref()?.values().cloned());
        }
        all.sort();
        Some((state.changes, all))
    }

    /// Watches until it is cancelled.
    pub(in crate::target::kubernetes::agent) async fn run(&self, client: Client) {
        let all = (0..self.places.len()).map(|index| self.follow(&client, index));
        join_all(all).await;
    }

    async fn follow(&self, client: &Client, index: usize) {
        let api = game_days(client, self.places[index].as_deref());
        let mut pause = FIRST_PAUSE;
        loop {
            match self.follow_once(&api, index).await {
                Ok(why) => {
                    pause = FIRST_PAUSE;
                    tracing::debug!(why, "game days are listed anew");
                }
                Err(error) => {
                    tracing::warn!(%error, "it is not known which game days there are");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
        }
    }

    /// A whole list, and then each change until that cannot go on, and why.
    async fn follow_once(&self, api: &Api<Resource>, index: usize) -> Result<String, ClusterError> {
        let parameters = ListParams::default();
        let listed = ask("list gamedays", api.list_metadata(&parameters)).await?;
        let mut version = listed.metadata.resource_version.unwrap_or_default();
        let noticed = listed.items.into_iter().map(|it| it.metadata);
        let noticed = noticed.filter_map(noticed_of);
        let noticed = noticed.map(|it| (it.uid.clone(), it)).collect();
        self.learn(index, |known| *known = noticed);
        loop {
            if let Err(why) = self.changes(api, index, &mut version).await {
                return Ok(why);
            }
        }
    }

    /// Takes in each change until the cluster ends it; an error if nobody knows how to go on.
    async fn changes(
        &self,
        api: &Api<Resource>,
        index: usize,
        version: &mut String,
    ) -> Result<(), String> {
        let parameters = WatchParams::default().timeout(ASKED_FOR);
        let opened = timeout(ANSWER_LIMIT, api.watch_metadata(&parameters, version)).await;
        let no_answer = |_| format!("no answer within {} s", ANSWER_LIMIT.as_secs());
        let opened = opened.map_err(no_answer)?;
        let mut events = opened.map_err(|error| chain(&error))?.boxed();
        loop {
            let event = timeout(SILENCE, events.next()).await;
            let silence = |_| format!("nothing was told for {} s", SILENCE.as_secs());
            let Some(event) = event.map_err(silence)? else {
                // Whoever ends it at once must not be asked at once.
                sleep(FIRST_PAUSE).await;
                return Ok(());
            };
            match event.map_err(|error| chain(&error))? {
                WatchEvent::Added(it) | WatchEvent::Modified(it) => {
                    *version = it.metadata.resource_version.clone().unwrap_or_default();
                    let uid = it.metadata.uid.clone().unwrap_or_default();
                    let noticed = noticed_of(it.metadata);
                    self.learn(index, |known| match noticed {
                        Some(noticed) => drop(known.insert(uid, noticed)),
                        None => drop(known.remove(&uid)),
                    });
                }
                WatchEvent::Deleted(it) => {
                    *version = it.metadata.resource_version.unwrap_or_default();
                    let uid = it.metadata.uid.unwrap_or_default();
                    self.learn(index, |known| drop(known.remove(&uid)));
                }
                WatchEvent::Bookmark(bookmark) => *version = bookmark.metadata.resource_version,
                WatchEvent::Error(status) => return Err(status.message),
            }
        }
    }

    fn learn(&self, index: usize, change: impl FnOnce(&mut BTreeMap<String, Noticed>)) {
        let mut state = self.state.lock();
        state.changes += 1;
        change(state.places[index].get_or_insert_default());
    }
}

/// What is about to be taken away is not there any more.
fn noticed_of(metadata: ObjectMeta) -> Option<Noticed> {
    if metadata.deletion_timestamp.is_some() {
        return None;
    }
    Some(Noticed {
        created: metadata.creation_timestamp.map(|time| time.0),
        namespace: metadata.namespace.unwrap_or_default(),
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
    })
}
