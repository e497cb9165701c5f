//! Looks after one instance: starts it, waits until it is ready, breaks it when told to, and
//! brings it back as a Deployment would.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::child::LeadingChild;
use super::guardian::Guardian;
use super::life::Life;
use super::logs;
use super::spec::InstanceSpec;
use crate::journal::{FaultId, InstanceName, Journal, Record};
use crate::target::{InstanceState, TargetError};

/// The shortest pause before an instance that never became ready is started again; it doubles
/// with each such start, so that a broken instance does not keep the machine busy.
const SHORTEST_BACKOFF: Duration = Duration::from_millis(100);

/// The longest of those pauses.
pub(super) const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// What can be done to an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Kill(FaultId),
    Pause(FaultId),
    Resume(FaultId),
    HoldDown(FaultId),
    Release(FaultId),
    Stop,
}

/// A deed, and who waits for it.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) deed: Deed,
    pub(super) done: oneshot::Sender<Result<(), TargetError>>,
}

/// How an instance is, for everybody to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) state: InstanceState,
    pub(super) pid: Option<u32>,
    /// Why the very first start failed.
    pub(super) failure: Option<Failure>,
}

/// Why the very first start failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What happened instead of readiness.
    pub(super) how: String,
    /// The last lines of the log.
    pub(super) log: String,
}

/// The other side of a supervised instance. Clones stand for the same one.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    pub(super) name: InstanceName,
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<Status>,
}

impl Handle {
    /// Begins to look after an instance.
    pub(super) fn supervise(spec: InstanceSpec, journal: Journal, guardian: Guardian) -> Self {
        let name = spec.name.clone();
        let (commands, incoming) = mpsc::channel(8);
        let (told, status) = watch::channel(Status {
            state: InstanceState::Starting,
            pid: None,
            failure: None,
        });
        let supervisor = Supervisor {
            spec,
            journal,
            guardian,
            incoming,
            status: told,
            holders: BTreeSet::new(),
            starts_without_ready: 0,
            was_ever_ready: false,
        };
        tokio::spawn(supervisor.run());
        Self {
            name,
            commands,
            status,
        }
    }

    /// How the instance is now.
    pub(super) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Waits until the instance is ready; an error if its first start failed.
    pub(super) async fn until_ready(&self) -> Result<(), Failure> {
        let mut status = self.status.clone();
        let settled = status
            .wait_for(|status| status.state == InstanceState::Ready || status.failure.is_some())
            .await;
        match settled {
            Ok(status) => status.failure.clone().map_or(Ok(()), Err),
            // The supervisor has ended: the instance was stopped.
            Err(_) => Err(Failure {
                how: "was stopped before it was ready".to_owned(),
                log: String::new(),
            }),
        }
    }

    /// Does something to the instance; returns when it is done.
    pub(super) async fn command(&self, deed: Deed) -> Result<(), TargetError> {
        let stopping = || TargetError::Stopping {
            instance: self.name.clone(),
        };
        let (done, answer) = oneshot::channel();
        let command = Command { deed, done };
        self.commands.send(command).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }
}

/// The task that looks after one instance.
pub(super) struct Supervisor {
    pub(super) spec: InstanceSpec,
    pub(super) journal: Journal,
    guardian: Guardian,
    pub(super) incoming: mpsc::Receiver<Command>,
    status: watch::Sender<Status>,
    /// The faults that keep the instance away.
    pub(super) holders: BTreeSet<FaultId>,
    pub(super) starts_without_ready: u32,
    pub(super) was_ever_ready: bool,
}

/// Whether the instance is to live on.
pub(super) enum Next {
    /// It comes back after its restart delay, which counts from here.
    Away(Instant),
    /// Nobody needs it any more.
    Gone,
}

impl Supervisor {
    async fn run(mut self) {
        loop {
            let Next::Away(since) = self.live().await else {
                return;
            };
            let Next::Away(_) = self.stay_away(since).await else {
                return;
            };
        }
    }

    /// One life, from the start of the process until it was collected.
    async fn live(&mut self) -> Next {
        let started = Instant::now();
        let child = match LeadingChild::spawn(&self.spec.program, &self.spec.log, &self.guardian) {
            Ok(child) => child,
            Err(error) => return self.cannot_start(&error),
        };
        let pid = child.pid();
        self.journal.record_at(
            started,
            Record::InstanceStarted {
                instance: self.spec.name.clone(),
                pid,
                pod: None,
            },
        );
        self.tell(InstanceState::Starting, Some(pid));
        Life::new(self, child, started).run().await
    }

    fn cannot_start(&mut self, error: &std::io::Error) -> Next {
        let how = format!("could not be started: {error}");
        if !self.was_ever_ready {
            self.fail(how);
            return Next::Gone;
        }
        self.journal.record(Record::InstanceDown {
            instance: self.spec.name.clone(),
            pid: 0,
            how,
            fault: None,
        });
        self.starts_without_ready += 1;
        self.tell(InstanceState::Down, None);
        Next::Away(Instant::now())
    }

    /// Between two lives.
    async fn stay_away(&mut self, since: Instant) -> Next {
        let back_at = since + self.away_for();
        loop {
            let command = tokio::select! {
                biased;
                command = self.incoming.recv() => command,
                () = sleep_until(back_at), if self.holders.is_empty() => return Next::Away(since),
            };
            let Some(Command { deed, done }) = command else {
                return Next::Gone;
            };
            let answer = match deed {
                Deed::HoldDown(fault) => {
                    self.holders.insert(fault);
                    Ok(())
                }
                Deed::Release(fault) => {
                    self.holders.remove(&fault);
                    Ok(())
                }
                // What was paused has ended since.
                Deed::Resume(_) => Ok(()),
                Deed::Stop => {
                    let _ = done.send(Ok(()));
                    return Next::Gone;
                }
                Deed::Kill(_) | Deed::Pause(_) => Err(TargetError::NotRunning {
                    instance: self.spec.name.clone(),
                }),
            };
            // Whoever asked may have gone.
            let _ = done.send(answer);
        }
    }

    fn away_for(&self) -> Duration {
        let Some(doublings) = self.starts_without_ready.checked_sub(1) else {
            return self.spec.restart_delay;
        };
        let backoff = SHORTEST_BACKOFF.saturating_mul(2_u32.saturating_pow(doublings));
        self.spec.restart_delay.max(backoff.min(LONGEST_BACKOFF))
    }

    pub(super) fn tell(&self, state: InstanceState, pid: Option<u32>) {
        self.status.send_replace(Status {
            state,
            pid,
            failure: None,
        });
    }

    pub(super) fn fail(&self, how: String) {
        self.status.send_replace(Status {
            state: InstanceState::Down,
            pid: None,
            failure: Some(Failure {
                how,
                log: logs::last_lines(&self.spec.log),
            }),
        });
    }
}
