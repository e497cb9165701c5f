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

mod board;
mod day;
mod read;
mod scribe;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

pub(super) use self::board::Board;
use self::board::Noticed;
use self::day::{OneRun, Why};
use self::scribe::Scribe;
use self::store::{ReadDay, Store};
use super::follow::Follower;
use super::{Going, Shared};
use crate::agent::Rules;
use crate::agent::game_day::{Turn, acts_in, turn};
use crate::schema::patterns::{LABEL, fits};
use crate::schema::{GameDayPhase, GameDayStatus, GameDayVerdict};
use crate::target::kubernetes::{ClusterError, fresh};
use crate::verdict::Outcome;

/// How long a game day waits for its system, which may be applied right after it.
const SYSTEM_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// How long is waited before something is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// How many threads serve users.
const THREADS: usize = 2;

/// How many runs keep their folder.
const KEPT_RUNS: usize = 10;

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
    Again,
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
        let going = self.shared.going();
        let leads = self.shared.election.is_leader();
        self.end_what_must_end(&going, leads);
        self.take_in_what_has_ended().await;
        if !leads {
            // Whoever leads next may have left something in the middle.
            self.looked_at = None;
            return;
        }
        let Some(board) = &going.board else { return };
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
        for noticed in &all {
            if self.over.contains(&noticed.uid) {
                continue;
            }
            match self.see(&going, noticed).await {
                Ok(Came::Over) => drop(self.over.insert(noticed.uid.clone())),
                Ok(Came::Waits) => {}
                Ok(Came::Again) => self.again_at = Some(Instant::now() + AGAIN_AFTER),
                Err(error) => {
                    tracing::warn!(%error, "game days are looked at again later");
                    self.again_at = Some(Instant::now() + AGAIN_AFTER);
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
        match turn(&status, &self.shared.name, &self.shared.identity, runs) {
            Turn::Over => Ok(Came::Over),
            Turn::NotMine => Ok(Came::Waits),
            Turn::Left { copy } => {
                let reason = format!("the copy `{copy}` of the agent has left it in the middle");
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

    async fn begin_if_it_may(
        &mut self,
        going: &Going,
        noticed: &Noticed,
        day: ReadDay,
        status: &GameDayStatus,
    ) -> Result<Came, ClusterError> {
        let client = &self.shared.connection.client;
        let namespace = fresh::namespace(client, &day.namespace).await?;
        let labels = namespace.map(|it| it.labels).unwrap_or_default();
        if let Err(why) = acts_in(&going.rules, &day.namespace, &labels) {
            let reason = format!("the agent `{}` does not act there: {why}", self.shared.name);
            self.scribe.wait(&day, status, reason).await?;
            return Ok(Came::Waits);
        }
        if let Some((rival, agent)) = self.store.rival(&day).await? {
            let reason = format!("it waits for {rival}, which the agent `{agent}` runs");
            self.scribe.wait(&day, status, reason).await?;
            return Ok(Came::Waits);
        }
        let name = day.system();
        if !fits(LABEL, name) {
            let reason = format!("spec.system: `{name}` is no name of a System");
            return self.scribe.refuse(&day, vec![reason]).await;
        }
        let Some(system) = self.store.system(&day.namespace, name).await? else {
            let missing = format!(
                "spec.system: there is no System `{name}` in the namespace `{}`",
                day.namespace
            );
            let created = noticed.created.unwrap_or(Timestamp::UNIX_EPOCH);
            if Timestamp::now().duration_since(created) > SYSTEM_WITHIN {
                return self.scribe.refuse(&day, vec![missing]).await;
            }
            self.scribe.wait(&day, status, missing).await?;
            return Ok(Came::Again);
        };
        match read::checked(&day, &system) {
            Ok(checked) => {
                let (game_day, system) = *checked;
                let out = self.folder_of(&day);
                let day = OneRun {
                    shared: Arc::clone(&self.shared),
                    follower: Arc::clone(&self.follower),
                    going: going.clone(),
                    read: day,
                    game_day,
                    system,
                    out,
                };
                self.begin(noticed, day).await
            }
            Err(reasons) => self.scribe.refuse(&day, reasons).await,
        }
    }

    /// Takes a game day and begins it. Whoever was faster has it.
    async fn begin(&mut self, noticed: &Noticed, day: OneRun) -> Result<Came, ClusterError> {
        let threads = match self.threads() {
            Ok(threads) => threads,
            Err(error) => {
                tracing::error!(%error, "there are no threads for a game day");
                return Ok(Came::Again);
            }
        };
        let begun = day.begins();
        match self.scribe.begin(&day.read, &begun).await {
            Ok(()) => {}
            Err(error) if error.is_conflict() => return Ok(Came::Again),
            Err(error) => return Err(error),
        }
        tracing::info!(game_day = noticed.shown(), "a game day begins");
        // From now on the schedule kills nothing: what it killed would fail the game day.
        self.shared.hosts.store(true, Ordering::SeqCst);
        let (end, ended) = watch::channel(None);
        self.running = Some(Running {
            noticed: noticed.clone(),
            rules: Arc::clone(&day.going.rules),
            end,
            task: spawn_blocking(move || threads.block_on(day.run(begun, ended))),
            ended: None,
        });
        Ok(Came::Waits)
    }

    /// Threads of its own for whoever serves users in time, so that neither holds up the other: the
    /// load and the lease. They stay, since connections to the cluster live in them.
    fn threads(&mut self) -> std::io::Result<Handle> {
        if let Some(threads) = &self.threads {
            return Ok(threads.handle().clone());
        }
        let mut threads = Builder::new_multi_thread();
        let threads = threads.worker_threads(THREADS).enable_all().build()?;
        Ok(self.threads.insert(threads).handle().clone())
    }

    /// A new folder for a game day; those of the oldest runs are taken away.
    fn folder_of(&self, day: &ReadDay) -> PathBuf {
        if let Err(error) = take_away_old(&self.folder) {
            tracing::warn!(%error, "the folders of old game days are still there");
        }
        let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let ReadDay {
            namespace, name, ..
        } = day;
        self.folder.join(format!("{now}-{namespace}-{name}"))
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

/// Takes away all runs but the latest ones, whose names begin with their time.
fn take_away_old(folder: &Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut runs: Vec<PathBuf> = Vec::new();
    for entry in entries {
        let path = entry?.path();
        // Whatever else lies there is somebody else's.
        if path.join(crate::view::JOURNAL_FILE).exists() {
            runs.push(path);
        }
    }
    runs.sort();
    let old = runs.len().saturating_sub(KEPT_RUNS - 1);
    runs.iter().take(old).try_for_each(std::fs::remove_dir_all)
}
