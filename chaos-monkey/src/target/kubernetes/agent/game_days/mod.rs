//! Game days that stand in the cluster as resources: the copy that leads runs them one at a time,
//! those that came first first.
//!
//! ```text
//! watch ──▶ board ──something has changed──▶ read afresh ─▶ whose turn is it?
//!                                                  ├─ refused: what an agent does for nobody
//!                                                  ├─ left in the middle by another copy: inconclusive
//!                                                  └─ Running ─▶ engine ─▶ Finished, with its verdict
//! ```
//!
//! A game day runs once. Whatever ends the agent, its leadership or its settings ends it, too, and
//! says nothing of the system: it is inconclusive then, and nothing more of it is killed.

mod begin;
mod board;
mod calm;
mod day;
mod read;
mod scribe;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(super) use self::board::Board;
use self::board::Noticed;
use self::day::Why;
use self::scribe::Scribe;
use self::store::{ReadDay, Store};
use super::follow::Follower;
use super::{Going, Shared};
use crate::agent::Rules;
use crate::agent::game_day::{Turn, acts_in, turn};
use crate::schema::{GameDayPhase, GameDayStatus, GameDayVerdict};
use crate::target::kubernetes::{ClusterError, fresh};
use crate::verdict::Outcome;

/// How long is waited before something is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// How often one is looked at that another agent runs, which may be gone for good.
const OTHERS_EVERY: Duration = Duration::from_secs(60);

/// Runs the game days of the cluster.
pub(super) struct Host {
    shared: Arc<Shared>,
    follower: Arc<Follower>,
    store: Store,
    scribe: Scribe,
    folder: PathBuf,
    /// Those that are over, by their identities.
    over: BTreeSet<String>,
    /// What was looked at last: the board, and how often it had changed.
    looked_at: Option<(Arc<Board>, u64)>,
    again_at: Option<Instant>,
    running: Option<Running>,
    /// The one that begins as soon as everything is at rest, and since when it waits for that.
    next: Option<(Noticed, Instant)>,
    /// The threads of the load, from the first game day on.
    threads: Option<Runtime>,
}

/// A game day that runs, or has ended and nobody has said so yet.
struct Running {
    noticed: Noticed,
    rules: Arc<Rules>,
    end: watch::Sender<Option<Why>>,
    task: JoinHandle<GameDayStatus>,
    /// How it has ended.
    ended: Option<GameDayStatus>,
}

/// What came of looking at a game day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// Nothing will ever come of it any more.
    Over,
    /// Nothing until something changes.
    Waits,
    /// Nothing yet; it is looked at again after a while.
    Again(Duration),
}

impl Host {
    pub(super) fn new(shared: Arc<Shared>, follower: Arc<Follower>, folder: PathBuf) -> Self {
        let client = shared.connection.client.clone();
        let scribe = Scribe::new(&client, &shared.name, &shared.identity);
        Self {
            shared,
            follower,
            store: Store::new(client),
            scribe,
            folder,
            over: BTreeSet::new(),
            looked_at: None,
            again_at: None,
            running: None,
            next: None,
            threads: None,
        }
    }

    /// Whether somebody has ended the agent.
    pub(super) fn is_ending(&self) -> bool {
        self.shared.is_ending()
    }

    /// Looks at what has changed since it looked last. Without a change nothing is asked of the
    /// cluster.
    pub(super) async fn look(&mut self) {
        self.look_around().await;
        self.shared.hosts.store(
            self.running.is_some() || self.next.is_some(),
            Ordering::SeqCst,
        );
    }

    fn look_again(&mut self, after: Duration) {
        let at = Instant::now() + after;
        self.again_at = Some(self.again_at.map_or(at, |before| before.min(at)));
    }

    async fn look_around(&mut self) {
        let going = self.shared.going();
        let leads = self.shared.election.is_leader();
        self.end_what_must_end(&going, leads);
        self.take_in_what_has_ended().await;
        if !leads {
            // Whoever leads next may have left something in the middle.
            self.looked_at = None;
            self.next = None;
            return;
        }
        let Some(board) = &going.board else {
            self.next = None;
            return;
        };
        let Some((changes, all)) = board.all() else {
            return;
        };
        let is_known =
            |(seen, count): &(Arc<Board>, u64)| Arc::ptr_eq(seen, board) && *count == changes;
        let is_time = self.again_at.is_some_and(|at| Instant::now() >= at);
        if self.looked_at.as_ref().is_some_and(is_known) && !is_time {
            return;
        }
        self.looked_at = Some((Arc::clone(board), changes));
        self.again_at = None;
        let there: BTreeSet<&String> = all.iter().map(|it| &it.uid).collect();
        self.over.retain(|uid| there.contains(uid));
        self.next.take_if(|(it, _)| !there.contains(&it.uid));
        for noticed in &all {
            if self.over.contains(&noticed.uid) {
                continue;
            }
            match self.see(&going, noticed).await {
                Ok(Came::Over) => drop(self.over.insert(noticed.uid.clone())),
                Ok(Came::Waits) => {}
                Ok(Came::Again(after)) => self.look_again(after),
                Err(error) => {
                    tracing::warn!(%error, "game days are looked at again later");
                    self.look_again(AGAIN_AFTER);
                    return;
                }
            }
        }
    }

    /// Ends the game day that runs, and says how it has ended.
    pub(super) async fn finish(&mut self) {
        let Some(running) = &mut self.running else {
            return;
        };
        running.tell(Why::AgentEnds);
        running.over().await;
        self.take_in_what_has_ended().await;
    }

    fn end_what_must_end(&self, going: &Going, leads: bool) {
        let Some(running) = &self.running else { return };
        if !leads {
            running.tell(Why::LeadsNoMore);
        } else if !Arc::ptr_eq(&running.rules, &going.rules) {
            running.tell(Why::OtherSettings);
        } else if let Some((_, all)) = going.board.as_ref().and_then(|board| board.all())
            && !all.iter().any(|it| it.uid == running.noticed.uid)
        {
            running.tell(Why::Deleted);
        }
    }

    async fn take_in_what_has_ended(&mut self) {
        let Some(running) = &mut self.running else {
            return;
        };
        if running.ended.is_none() && !running.task.is_finished() {
            return;
        }
        let status = running.over().await;
        let noticed = running.noticed.clone();
        match self.scribe.end(&noticed, &status).await {
            Ok(()) => {
                let outcome = status.verdict.unwrap_or_default().outcome;
                let game_days = &self.shared.metrics.game_days;
                game_days.with_label_values(&[outcome.as_str()]).inc();
                self.running = None;
                self.shared.hosts.store(false, Ordering::SeqCst);
                // Another one may have waited for it.
                self.looked_at = None;
            }
            Err(error) => {
                let shown = noticed.shown();
                tracing::warn!(game_day = shown, %error, "its end is written later");
            }
        }
    }

    /// Looks at one game day, and does what there is to do about it.
    async fn see(&mut self, going: &Going, noticed: &Noticed) -> Result<Came, ClusterError> {
        let found = self.store.get(&noticed.namespace, &noticed.name).await?;
        let Some(day) = found.filter(|it| it.uid == noticed.uid && !it.is_ending) else {
            return Ok(Came::Waits);
        };
        let Some(status) = day.status.clone() else {
            return Ok(Came::Waits);
        };
        let running = self.running.as_ref();
        let runs = running.is_some_and(|it| it.noticed.uid == day.uid);
        let (name, identity) = (&self.shared.name, &self.shared.identity);
        let agent = status.agent.as_ref().filter(|it| *it != name).cloned();
        match turn(&status, name, identity, runs, day.is_long_over()) {
            Turn::Over => Ok(Came::Over),
            Turn::NotMine if runs => Ok(Came::Waits),
            Turn::NotMine => Ok(Came::Again(OTHERS_EVERY)),
            Turn::Left { copy } => {
                let reason = match agent {
                    Some(_) if self.does_not_act_in(going, &day).await?.is_some() => {
                        return Ok(Came::Waits);
                    }
                    Some(agent) => format!("the agent `{agent}` has left it in the middle"),
                    None => format!("the copy `{copy}` of the agent has left it in the middle"),
                };
                self.scribe.inconclusive(&day, status, reason).await
            }
            Turn::Mine => match running {
                Some(running) => {
                    let reason = format!("it waits for {}", running.noticed.shown());
                    self.scribe.wait(&day, &status, reason).await?;
                    Ok(Came::Waits)
                }
                None => self.begin_if_it_may(going, noticed, day, &status).await,
            },
        }
    }

    /// Why the agent does not act where a game day is, if it does not.
    async fn does_not_act_in(
        &self,
        going: &Going,
        day: &ReadDay,
    ) -> Result<Option<String>, ClusterError> {
        let client = &self.shared.connection.client;
        let namespace = fresh::namespace(client, &day.namespace).await?;
        let labels = namespace.map(|it| it.labels).unwrap_or_default();
        Ok(acts_in(&going.rules, &day.namespace, &labels).err())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            // Whoever waits for them in a task holds up all others.
            threads.shutdown_background();
        }
    }
}

impl Running {
    /// Says why it is to end; the first reason counts.
    fn tell(&self, why: Why) {
        self.end.send_if_modified(|said| {
            let is_first = said.is_none();
            said.get_or_insert(why);
            is_first
        });
    }

    /// How it has ended, as soon as it has.
    async fn over(&mut self) -> GameDayStatus {
        if let Some(status) = &self.ended {
            return status.clone();
        }
        let status = ended(&mut self.task).await;
        let (shown, reason) = (self.noticed.shown(), &status.reason);
        let outcome = status.verdict.as_ref().map(|it| it.outcome.as_str());
        tracing::info!(game_day = shown, outcome, reason, "a game day has ended");
        self.ended.insert(status).clone()
    }
}

async fn ended(task: &mut JoinHandle<GameDayStatus>) -> GameDayStatus {
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a game day broke");
        GameDayStatus {
            phase: Some(GameDayPhase::Finished),
            reason: Some("it broke: the log of the agent says how".to_owned()),
            verdict: Some(GameDayVerdict {
                outcome: Outcome::Inconclusive.as_str().to_owned(),
                proof: None,
            }),
            ..GameDayStatus::default()
        }
    })
}
