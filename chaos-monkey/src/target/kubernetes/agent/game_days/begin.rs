//! When a game day begins: where the agent acts, with a system that is there, alone, and when
//! everything is at rest.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::board::Noticed;
use super::day::OneRun;
use super::store::ReadDay;
use super::{AGAIN_AFTER, Came, Going, Host, Running, calm, read};
use crate::schema::GameDayStatus;
use crate::schema::patterns::{LABEL, fits};
use crate::target::kubernetes::ClusterError;

/// How long a game day waits for its system, which may be applied right after it.
const SYSTEM_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// How many threads serve users.
const THREADS: usize = 2;

/// How many runs keep their folder.
pub(super) const KEPT_RUNS: usize = 10;

impl Host {
    /// Begins a game day, or says why it waits or never will.
    pub(super) async fn begin_if_it_may(
        &mut self,
        going: &Going,
        noticed: &Noticed,
        day: ReadDay,
        status: &GameDayStatus,
    ) -> Result<Came, ClusterError> {
        let next = self.next.take_if(|(it, _)| it.uid == noticed.uid);
        if let Some((next, _)) = &self.next {
            let reason = format!("it waits for {}", next.shown());
            self.scribe.wait(&day, status, reason).await?;
            return Ok(Came::Waits);
        }
        if let Some(why) = self.does_not_act_in(going, &day).await? {
            let reason = format!("the agent `{}` does not act there: {why}", self.shared.name);
            self.scribe.wait(&day, status, reason).await?;
            return Ok(Came::Waits);
        }
        if let Some(reason) = waits_for(self.store.rival(&day).await?) {
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
                        self.scribe.wait(&day, status, reason).await?;
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
            Err(reasons) => self.scribe.refuse(&day, reasons).await,
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
        self.scribe.begins(&day.read).await;
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
                self.scribe
                    .wait(&day, &GameDayStatus::default(), reason)
                    .await
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

/// Takes away all runs but the latest ones, whose names begin with their time.
pub(super) fn take_away_old(folder: &Path) -> std::io::Result<()> {
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
