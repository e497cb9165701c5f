//! Looks after one instance: starts it, waits until it is ready, breaks it when told to, and
//! brings it back as a Deployment would.

use std::collections::BTreeSet;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::child::{LeadingChild, describe};
use super::guardian::Guardian;
use super::logs;
use super::spec::InstanceSpec;
use crate::journal::{FaultId, InstanceName, Journal, Record};
use crate::target::{InstanceState, TargetError};

/// The shortest pause before an instance that never became ready is started again; it doubles
/// with each such start, so that a broken instance does not keep the machine busy.
const SHORTEST_BACKOFF: Duration = Duration::from_millis(100);

/// The longest of those pauses.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

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
    deed: Deed,
    done: oneshot::Sender<Result<(), TargetError>>,
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

struct Supervisor {
    spec: InstanceSpec,
    journal: Journal,
    guardian: Guardian,
    incoming: mpsc::Receiver<Command>,
    status: watch::Sender<Status>,
    /// The faults that keep the instance away.
    holders: BTreeSet<FaultId>,
    starts_without_ready: u32,
    was_ever_ready: bool,
}

/// Whether the instance is to live on.
enum Next {
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
            },
        );
        self.tell(InstanceState::Starting, Some(pid));
        let life = Life {
            instance: self,
            child,
            started,
            is_ready: false,
            killed_by: None,
            paused_by: None,
            stop: None,
            overdue: false,
        };
        life.run().await
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

    fn tell(&self, state: InstanceState, pid: Option<u32>) {
        self.status.send_replace(Status {
            state,
            pid,
            failure: None,
        });
    }

    fn fail(&self, how: String) {
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

/// One life of an instance.
struct Life<'a> {
    instance: &'a mut Supervisor,
    child: LeadingChild,
    started: Instant,
    is_ready: bool,
    killed_by: Option<FaultId>,
    paused_by: Option<FaultId>,
    stop: Option<Stop>,
    overdue: bool,
}

/// A polite request to end.
struct Stop {
    kill_at: Instant,
    waiting: Vec<oneshot::Sender<Result<(), TargetError>>>,
}

/// What can happen in a life.
enum Happened {
    Ended,
    Asked(Option<Command>),
    Ready,
    TooLate,
    StopTooLate,
}

impl Life<'_> {
    async fn run(mut self) -> Next {
        let check = self.instance.spec.check.clone();
        let ready = check.until_ready();
        tokio::pin!(ready);
        let ready_by = self.started + check.within;
        loop {
            let is_starting = !self.is_ready
                && self.killed_by.is_none()
                && self.paused_by.is_none()
                && self.stop.is_none()
                && !self.overdue;
            let kill_at = self.stop.as_ref().map_or(ready_by, |stop| stop.kill_at);
            let happened = tokio::select! {
                biased;
                () = self.child.ended() => Happened::Ended,
                command = self.instance.incoming.recv() => Happened::Asked(command),
                () = &mut ready, if is_starting => Happened::Ready,
                () = sleep_until(ready_by), if is_starting => Happened::TooLate,
                () = sleep_until(kill_at), if self.stop.is_some() => Happened::StopTooLate,
            };
            match happened {
                Happened::Ended => return self.end(),
                // Nobody holds a handle any more: so end, and take the group along.
                Happened::Asked(None) => return Next::Gone,
                Happened::Asked(Some(command)) => self.obey(command),
                Happened::Ready => self.become_ready(),
                Happened::TooLate => {
                    self.overdue = true;
                    self.kill_group();
                }
                Happened::StopTooLate => {
                    self.kill_group();
                    // Once is enough: nobody survives SIGKILL.
                    if let Some(stop) = &mut self.stop {
                        stop.kill_at = Instant::now() + LONGEST_BACKOFF;
                    }
                }
            }
        }
    }

    fn become_ready(&mut self) {
        self.is_ready = true;
        self.instance.was_ever_ready = true;
        self.instance.starts_without_ready = 0;
        let after = self.started.elapsed().as_micros();
        self.instance.journal.record(Record::InstanceReady {
            instance: self.instance.spec.name.clone(),
            after: i64::try_from(after).unwrap_or(i64::MAX),
        });
        self.tell(InstanceState::Ready);
    }

    fn obey(&mut self, Command { deed, done }: Command) {
        let answer = match deed {
            Deed::Stop => return self.stop(done),
            Deed::Kill(fault) => self.kill(fault),
            Deed::Pause(fault) => self.pause(fault),
            Deed::Resume(fault) => self.resume(&fault),
            Deed::HoldDown(fault) => {
                self.instance.holders.insert(fault.clone());
                match self.kill(fault) {
                    // Down already is as good as killed.
                    Err(TargetError::NotRunning { .. }) => Ok(()),
                    answer => answer,
                }
            }
            Deed::Release(fault) => {
                self.instance.holders.remove(&fault);
                Ok(())
            }
        };
        // Whoever asked may have gone.
        let _ = done.send(answer);
    }

    fn kill(&mut self, fault: FaultId) -> Result<(), TargetError> {
        if self.killed_by.is_some() || self.overdue {
            return Err(TargetError::NotRunning {
                instance: self.instance.spec.name.clone(),
            });
        }
        self.signal(Signal::SIGKILL)?;
        self.killed_by = Some(fault);
        self.tell(InstanceState::Down);
        Ok(())
    }

    fn pause(&mut self, fault: FaultId) -> Result<(), TargetError> {
        let instance = self.instance.spec.name.clone();
        if self.killed_by.is_some() || self.overdue {
            return Err(TargetError::NotRunning { instance });
        }
        if let Some(fault) = self.paused_by.clone() {
            return Err(TargetError::AlreadyPaused { instance, fault });
        }
        self.signal(Signal::SIGSTOP)?;
        self.paused_by = Some(fault.clone());
        self.tell(InstanceState::Paused);
        self.instance
            .journal
            .record(Record::InstancePaused { instance, fault });
        Ok(())
    }

    fn resume(&mut self, fault: &FaultId) -> Result<(), TargetError> {
        if self.paused_by.as_ref() != Some(fault) || self.killed_by.is_some() {
            return Ok(());
        }
        self.signal(Signal::SIGCONT)?;
        self.paused_by = None;
        self.instance.journal.record(Record::InstanceResumed {
            instance: self.instance.spec.name.clone(),
            fault: fault.clone(),
        });
        let is_ready = self.is_ready;
        self.tell(if is_ready {
            InstanceState::Ready
        } else {
            InstanceState::Starting
        });
        Ok(())
    }

    fn stop(&mut self, done: oneshot::Sender<Result<(), TargetError>>) {
        let kill_at = Instant::now() + self.instance.spec.stop_within;
        let stop = self.stop.get_or_insert(Stop {
            kill_at,
            waiting: Vec::new(),
        });
        stop.waiting.push(done);
        // An instance that cannot be signalled has ended, and its end is on the way. A paused one
        // hears only when it goes on.
        let _ = self.child.signal(Signal::SIGTERM);
        let _ = self.child.signal(Signal::SIGCONT);
        self.tell(InstanceState::Down);
    }

    fn kill_group(&self) {
        // It may have ended just now.
        let _ = self.child.signal(Signal::SIGKILL);
    }

    fn signal(&self, signal: Signal) -> Result<(), TargetError> {
        let instance = self.instance.spec.name.clone();
        self.child.signal(signal).map_err(|error| match error {
            Errno::ESRCH => TargetError::NotRunning { instance },
            other => TargetError::Refused {
                instance,
                reason: other.desc().to_owned(),
            },
        })
    }

    fn tell(&self, state: InstanceState) {
        self.instance.tell(state, Some(self.child.pid()));
    }

    /// The process has ended: collects and journals it.
    fn end(self) -> Next {
        let Life {
            instance,
            child,
            is_ready,
            killed_by,
            stop,
            overdue,
            ..
        } = self;
        let pid = child.pid();
        let ended = child
            .collect()
            .map_or_else(|error| format!("an unknown end ({error})"), describe);
        if let Some(stop) = stop {
            instance.journal.record(Record::InstanceStopped {
                instance: instance.spec.name.clone(),
                pid,
                how: ended,
            });
            instance.tell(InstanceState::Down, None);
            for waiting in stop.waiting {
                // Whoever asked may have gone.
                let _ = waiting.send(Ok(()));
            }
            return Next::Gone;
        }
        let how = if overdue {
            let within = humantime::format_duration(instance.spec.check.within);
            format!("was not ready within {within}")
        } else {
            ended
        };
        if !instance.was_ever_ready {
            instance.fail(if overdue {
                how
            } else {
                format!("ended before it was ready ({how})")
            });
            return Next::Gone;
        }
        // An instance that went by itself just before the signal was not ended by the fault.
        let fault = killed_by.filter(|_| how == describe_kill());
        instance.journal.record(Record::InstanceDown {
            instance: instance.spec.name.clone(),
            pid,
            how,
            fault,
        });
        if !is_ready {
            instance.starts_without_ready += 1;
        }
        instance.tell(InstanceState::Down, None);
        Next::Away(Instant::now())
    }
}

fn describe_kill() -> String {
    format!("signal {}", Signal::SIGKILL as i32)
}
