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
mod calm;
mod day;
mod read;
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
use self::store::{ReadDay, Store};
use super::events::Events;
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

/// How often one is looked at that another agent runs, which may be gone for good.
const OTHERS_EVERY: Duration = Duration::from_secs(60);

/// How many threads serve users.
const THREADS: usize = 2;

/// How many runs keep their folder.
const KEPT_RUNS: usize = 10;

/// Runs the game days of the cluster.
pub(super) struct Host {
    shared: Arc<Shared>,
    follower: Arc<Follower>,
    store: Store,
    events: Events,
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
        let events = Events::new(client.clone(), &shared.identity);
        Self {
            shared,
            follower,
            store: Store::new(client),
            events,
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
        if running.ended.is_none() {
            running.ended = Some(ended(&mut running.task).await);
        }
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
        if running.ended.is_none() {
            if !running.task.is_finished() {
                return;
            }
            running.ended = Some(ended(&mut running.task).await);
        }
        let Some(status) = running.ended.clone() else {
            return;
        };
        let noticed = running.noticed.clone();
        match self.write_end(&noticed, &status).await {
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

    /// Says how a game day has ended, unless it is gone or somebody else has said so already.
    async fn write_end(
        &self,
        noticed: &Noticed,
        status: &GameDayStatus,
    ) -> Result<(), ClusterError> {
        let (shown, reason) = (noticed.shown(), status.reason.clone().unwrap_or_default());
        let verdict = status.verdict.clone().unwrap_or_default();
        let outcome = verdict.outcome.as_str();
        tracing::info!(game_day = shown, outcome, reason, "a game day has ended");
        let Some(day) = self.store.get(&noticed.namespace, &noticed.name).await? else {
            return Ok(());
        };
        let before = day.status.clone().unwrap_or_default();
        let is_own = before.copy == status.copy && day.uid == noticed.uid;
        if !is_own || before.phase.is_some_and(GameDayPhase::is_over) {
            return Ok(());
        }
        self.store.write(&day, status).await?;
        let is_well = outcome == Outcome::Passed.as_str();
        let note = if reason.is_empty() {
            format!("{outcome}: {}", verdict.proof.unwrap_or_default())
        } else {
            format!("{outcome}: {reason}")
        };
        self.tell(&day, is_well, "ChaosGameDayFinished", &note)
            .await;
        Ok(())
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
                self.inconclusive(&day, status, reason).await
            }
            Turn::Mine => match running {
                Some(running) => {
                    let reason = format!("it waits for {}", running.noticed.shown());
                    self.wait(&day, &status, reason).await?;
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

    async fn begin_if_it_may(
        &mut self,
        going: &Going,
        noticed: &Noticed,
        day: ReadDay,
        status: &GameDayStatus,
    ) -> Result<Came, ClusterError> {
        let next = self.next.take_if(|(it, _)| it.uid == noticed.uid);
        if let Some((next, _)) = &self.next {
            let reason = format!("it waits for {}", next.shown());
            self.wait(&day, status, reason).await?;
            return Ok(Came::Waits);
        }
        if let Some(why) = self.does_not_act_in(going, &day).await? {
            let reason = format!("the agent `{}` does not act there: {why}", self.shared.name);
            self.wait(&day, status, reason).await?;
            return Ok(Came::Waits);
        }
        if let Some(reason) = waits_for(self.store.rival(&day).await?) {
            self.wait(&day, status, reason).await?;
            return Ok(Came::Waits);
        }
        let name = day.system();
        if !fits(LABEL, name) {
            let reason = format!("spec.system: `{name}` is no name of a System");
            return self.refuse(&day, vec![reason]).await;
        }
        let Some(system) = self.store.system(&day.namespace, name).await? else {
            let missing = format!(
                "spec.system: there is no System `{name}` in the namespace `{}`",
                day.namespace
            );
            let created = noticed.created.unwrap_or(Timestamp::UNIX_EPOCH);
            if Timestamp::now().duration_since(created) > SYSTEM_WITHIN {
                return self.refuse(&day, vec![missing]).await;
            }
            self.wait(&day, status, missing).await?;
            return Ok(Came::Again(AGAIN_AFTER));
        };
        match read::checked(&day, &system) {
            Ok(checked) => {
                let (game_day, system) = *checked;
                let since = next.map_or_else(Instant::now, |(_, since)| since);
                // From now on the schedule kills nothing: what it killed would fail the game day.
                self.next = Some((noticed.clone(), since));
                self.shared.hosts.store(true, Ordering::SeqCst);
                let unrest = calm::unrest(
                    &self.shared,
                    &going.rules,
                    &day.namespace,
                    &game_day,
                    &system,
                );
                if let Some(reason) = unrest.await? {
                    if since.elapsed() < calm::WITHIN {
                        self.wait(&day, status, reason).await?;
                        return Ok(Came::Again(AGAIN_AFTER));
                    }
                    tracing::warn!(game_day = day.shown(), reason, "it begins nevertheless");
                }
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
            Err(reasons) => self.refuse(&day, reasons).await,
        }
    }

    /// Takes a game day and begins it. Whoever was faster has it.
    async fn begin(&mut self, noticed: &Noticed, day: OneRun) -> Result<Came, ClusterError> {
        let threads = match self.threads() {
            Ok(threads) => threads,
            Err(error) => {
                tracing::error!(%error, "there are no threads for a game day");
                return Ok(Came::Again(AGAIN_AFTER));
            }
        };
        let begun = day.begins();
        match self.store.write(&day.read, &begun).await {
            Ok(()) => {}
            Err(error) if error.is_conflict() => return Ok(Came::Again(AGAIN_AFTER)),
            Err(error) => return Err(error),
        }
        // Of two agents that begin at once each says so first, and looks then: so at least one sees
        // the other, and takes its word back.
        let rival = self.store.rival(&day.read).await;
        if let Some(reason) = rival.map_or_else(|error| Some(error.to_string()), waits_for) {
            self.take_back(noticed, &begun, reason).await?;
            let pause = AGAIN_AFTER.mul_f64(rand::random_range(0.5..1.5));
            return Ok(Came::Again(pause));
        }
        self.next = None;
        let note = format!("begun by the agent `{}`", self.shared.name);
        self.tell(&day.read, true, "ChaosGameDayBegan", &note).await;
        tracing::info!(game_day = noticed.shown(), "a game day begins");
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

    /// Says that a game day waits which was said to run, unless somebody has written something else.
    async fn take_back(
        &self,
        noticed: &Noticed,
        begun: &GameDayStatus,
        reason: String,
    ) -> Result<(), ClusterError> {
        let day = self.store.get(&noticed.namespace, &noticed.name).await?;
        match day {
            Some(day) if day.status.as_ref() == Some(begun) => {
                self.wait(&day, &GameDayStatus::default(), reason).await
            }
            _ => Ok(()),
        }
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

    async fn refuse(&self, day: &ReadDay, reasons: Vec<String>) -> Result<Came, ClusterError> {
        let note = reasons.join("; ");
        let status = GameDayStatus {
            phase: Some(GameDayPhase::Refused),
            reason: reasons.first().cloned(),
            reasons: Some(reasons),
            observed_generation: day.generation,
            agent: Some(self.shared.name.clone()),
            ended: Some(Timestamp::now()),
            ..GameDayStatus::default()
        };
        tracing::warn!(
            game_day = day.shown(),
            reasons = note,
            "a game day is refused"
        );
        self.settle(day, &status, "ChaosGameDayRefused", &note)
            .await
    }

    async fn inconclusive(
        &self,
        day: &ReadDay,
        before: GameDayStatus,
        reason: String,
    ) -> Result<Came, ClusterError> {
        tracing::warn!(game_day = day.shown(), reason, "a game day is inconclusive");
        let outcome = Outcome::Inconclusive.as_str().to_owned();
        let status = GameDayStatus {
            phase: Some(GameDayPhase::Finished),
            reason: Some(reason.clone()),
            reasons: Some(vec![reason.clone()]),
            ended: Some(Timestamp::now()),
            verdict: Some(GameDayVerdict {
                outcome,
                proof: None,
            }),
            ..before
        };
        let note = format!("inconclusive: {reason}");
        self.settle(day, &status, "ChaosGameDayFinished", &note)
            .await
    }

    /// Writes the last that is said of a game day.
    async fn settle(
        &self,
        day: &ReadDay,
        status: &GameDayStatus,
        word: &'static str,
        note: &str,
    ) -> Result<Came, ClusterError> {
        match self.store.write(day, status).await {
            Ok(()) => {
                self.tell(day, false, word, note).await;
                Ok(Came::Over)
            }
            Err(error) if error.is_conflict() => Ok(Came::Again(AGAIN_AFTER)),
            Err(error) => Err(error),
        }
    }

    /// Says why a game day waits, unless somebody has said why already.
    async fn wait(
        &self,
        day: &ReadDay,
        before: &GameDayStatus,
        reason: String,
    ) -> Result<(), ClusterError> {
        let is_others = before
            .agent
            .as_ref()
            .is_some_and(|it| *it != self.shared.name);
        let reason = Some(reason);
        if is_others || before.reason == reason {
            return Ok(());
        }
        let status = GameDayStatus {
            phase: Some(GameDayPhase::Pending),
            reason,
            observed_generation: day.generation,
            agent: Some(self.shared.name.clone()),
            ..GameDayStatus::default()
        };
        match self.store.write(day, &status).await {
            // It is looked at again anyway, since it has changed.
            Err(error) if error.is_conflict() => Ok(()),
            written => written,
        }
    }

    async fn tell(&self, day: &ReadDay, is_well: bool, word: &'static str, note: &str) {
        let about = day.reference();
        self.events.about(about, is_well, word, note).await;
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

/// Why a game day waits that has a rival: which, and who runs it.
fn waits_for(rival: Option<(String, String)>) -> Option<String> {
    rival.map(|(rival, agent)| format!("it waits for {rival}, which the agent `{agent}` runs"))
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
}

/// How a game day has ended that nobody waits for any more but this.
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
