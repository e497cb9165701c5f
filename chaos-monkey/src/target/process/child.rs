//! One process and the group it leads.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

use super::guardian::Guardian;
use super::logs;
use super::spec::Program;

/// A process that leads its own group and whose exit status has not been collected: as long as
/// this value lives, the process id belongs to it and to nobody else.
#[derive(Debug)]
pub(super) struct LeadingChild {
    child: Child,
    group: Pid,
    changes: tokio::signal::unix::Signal,
    guardian: Guardian,
}

impl LeadingChild {
    /// Starts a program in a group of its own, its output going to the log.
    pub(super) fn spawn(program: &Program, log: &Path, guardian: &Guardian) -> io::Result<Self> {
        // Listens before there is anything to hear.
        let changes = signal(SignalKind::child())?;
        let log = logs::open(log)?;
        let mut command = guardian.launcher(&program.path);
        command
            .args(&program.arguments)
            .envs(
                program
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command.spawn()?;
        let group = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        let mut leading = Self {
            child,
            group,
            changes,
            guardian: guardian.clone(),
        };
        leading.guardian.release(&mut leading.child)?;
        Ok(leading)
    }

    /// The process id, which is also the id of its group.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Signals the whole group.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), Errno> {
        killpg(self.group, signal)
    }

    /// Waits until the process has ended, without collecting it. May be dropped and called again.
    pub(super) async fn ended(&mut self) {
        while !self.has_ended() {
            if self.changes.recv().await.is_none() {
                // The runtime is shutting down.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether the process has ended. It stays uncollected, so that its id stays its own.
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    fn has_ended(&mut self) -> bool {
        use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(
            waitid(Id::Pid(self.group), flags),
            Ok(WaitStatus::StillAlive)
        )
    }

    /// Whether the process has ended.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Collects a process that has ended, after killing what it has left behind in its group.
    pub(super) fn collect(mut self) -> io::Result<ExitStatus> {
        if cfg!(any(
            target_os = "linux",
            target_os = "android",
            target_os = "freebsd"
        )) {
            // Nobody else may be in the group.
            let _ = self.signal(Signal::SIGKILL);
        }
        self.guardian.forget(self.pid());
        self.child.wait()
    }
}

impl Drop for LeadingChild {
    /// Whoever drops a process without waiting for it wants it gone.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.signal(Signal::SIGKILL);
            self.guardian.forget(self.pid());
            let _ = self.child.wait();
        }
    }
}

/// How a process ended, for people and the journal: `exit 1`, `signal 9`.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown end".to_owned(),
    }
}
