//! One life of an instance, from the start of its process until it was collected.

use nix::errno::Errno;
use nix::sys::signal::Signal;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::child::{LeadingChild, describe};
use super::supervisor::{Command, Deed, LONGEST_BACKOFF, Next, Supervisor};
use crate::journal::{FaultId, Record};
use crate::target::{InstanceState, TargetError};

/// One life of an instance.
pub(super) struct Life<'a> {
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

impl<'a> Life<'a> {
    /// The life of a process that was just started.
    pub(super) fn new(instance: &'a mut Supervisor, child: LeadingChild, started: Instant) -> Self {
        Self {
            instance,
            child,
            started,
            is_ready: false,
            killed_by: None,
            paused_by: None,
            stop: None,
            overdue: false,
        }
    }

    /// Looks after the process until it has ended.
    pub(super) async fn run(mut self) -> Next {
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
