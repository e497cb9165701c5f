//! Sees to it that nothing outlives the engine, in whatever way the engine ends.
//!
//! Before anything else the engine starts its own executable again, as the **guardian**. The
//! guardian reads from a pipe which process groups there are; the pipe ends when the engine does,
//! by SIGKILL too, and then the guardian kills every group that is left. It lives in a process
//! group of its own and blocks the polite signals, so that Ctrl-C does not take it away first.
//!
//! An instance is started through the **launcher**, the same executable again, which becomes the
//! instance's command only when the guardian knows its group: there is no moment at which an
//! instance runs that nobody would kill.
//!
//! An instance must not leave its process group.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::unistd::Pid;
use parking_lot::Mutex;

/// The first argument that makes an executable the guardian.
const GUARDIAN_WORD: &str = "process-guardian";

/// The first argument that makes an executable the launcher.
const LAUNCHER_WORD: &str = "process-launcher";

/// What the launcher waits for.
const GO: u8 = b'!';

/// The launcher's exit code when the engine went away before it was told to go.
const EXIT_ABANDONED: i32 = 125;

/// The launcher's exit code when the command cannot be run, as a shell's.
const EXIT_CANNOT_RUN: i32 = 127;

/// Becomes the guardian or the launcher if the first argument says so, and does not return then.
///
/// Call this first in the `main` of every executable that runs game days. The words are hidden
/// and mean nothing to anybody else.
pub fn run_if_requested() {
    let mut arguments = std::env::args_os().skip(1);
    let Some(word) = arguments.next() else { return };
    if word == GUARDIAN_WORD {
        guard();
        std::process::exit(0);
    }
    if word == LAUNCHER_WORD {
        std::process::exit(launch(arguments));
    }
}

/// The life of the guardian.
fn guard() {
    let mut polite = SigSet::empty();
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGTSTP,
    ] {
        polite.add(signal);
    }
    // Without the mask Ctrl-C still does not come here: the group is another one.
    let _ = polite.thread_block();
    let mut groups = Groups::default();
    for line in io::stdin().lock().lines() {
        // A pipe that cannot be read is one that has ended.
        let Ok(line) = line else { break };
        groups.obey(&line);
    }
    for group in groups.alive {
        // It may have ended by itself just now.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
}

/// The groups that are to be killed at the end.
#[derive(Debug, Default)]
struct Groups {
    alive: BTreeSet<i32>,
}

impl Groups {
    /// `+PGID` or `-PGID`; anything else is no order. A group of 0 or 1 would be everybody's.
    fn obey(&mut self, line: &str) {
        let Some((sign, number)) = line.split_at_checked(1) else {
            return;
        };
        let Some(group) = number.parse().ok().filter(|group| *group > 1) else {
            return;
        };
        match sign {
            "+" => self.alive.insert(group),
            "-" => self.alive.remove(&group),
            _ => false,
        };
    }
}

/// The life of the launcher: waits for the word, then becomes the command.
fn launch(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    let mut word = [0];
    if !matches!(io::stdin().read(&mut word), Ok(1)) || word != [GO] {
        return EXIT_ABANDONED;
    }
    let Some(program) = arguments.next() else {
        return EXIT_CANNOT_RUN;
    };
    let error = Command::new(&program)
        .args(arguments)
        .stdin(Stdio::null())
        .exec();
    // The log is the only one who listens.
    let _ = writeln!(io::stderr(), "cannot run {}: {error}", program.display());
    EXIT_CANNOT_RUN
}

/// The engine's side of the guardian. Dropping the last clone ends it, and with it everything
/// that still runs.
#[derive(Debug, Clone)]
pub(super) struct Guardian {
    program: PathBuf,
    pipe: Arc<Mutex<Pipe>>,
}

#[derive(Debug)]
struct Pipe {
    process: Child,
    orders: Option<ChildStdin>,
}

impl Guardian {
    /// Starts `program` as the guardian.
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        let mut process = Command::new(program)
            .arg(GUARDIAN_WORD)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let orders = process.stdin.take();
        Ok(Self {
            program: program.to_owned(),
            pipe: Arc::new(Mutex::new(Pipe { process, orders })),
        })
    }

    /// A command that, once it is spawned and released, becomes `program` with `arguments`.
    pub(super) fn launcher(&self, program: &OsStr) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(LAUNCHER_WORD)
            .arg(program)
            .process_group(0)
            .stdin(Stdio::piped());
        command
    }

    /// Takes charge of a launcher that was just spawned, and lets it become its command.
    pub(super) fn release(&self, child: &mut Child) -> io::Result<()> {
        self.order('+', child.id())?;
        let Some(mut word) = child.stdin.take() else {
            return Err(io::Error::other("the launcher has no pipe"));
        };
        word.write_all(&[GO])
    }

    /// Forgets a group of which nothing is left.
    pub(super) fn forget(&self, group: u32) {
        // A guardian that is gone has nothing to forget.
        let _ = self.order('-', group);
    }

    /// Ends the guardian, and with it everything that still runs; waits until it has done so.
    pub(super) fn end(&self) {
        let mut pipe = self.pipe.lock();
        pipe.orders = None;
        // It was waited for already.
        let _ = pipe.process.wait();
    }

    fn order(&self, sign: char, group: u32) -> io::Result<()> {
        let mut pipe = self.pipe.lock();
        match &mut pipe.orders {
            // One write, so that no half order arrives.
            Some(orders) => orders.write_all(format!("{sign}{group}\n").as_bytes()),
            None => Err(Errno::EPIPE.into()),
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_add_and_remove_groups() {
        let mut groups = Groups::default();
        for order in [
            "+100", "+200", "-100", "+0", "+1", "+-5", "200", "", "+x", "+300", "-400", "é1",
        ] {
            groups.obey(order);
        }
        assert_eq!(groups.alive, BTreeSet::from([200, 300]));
    }
}
