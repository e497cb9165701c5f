//! An agent as a process.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

/// A running agent. It is killed when it is dropped.
pub(super) struct Agent {
    child: Child,
    pub(super) log: PathBuf,
}

impl Agent {
    pub(super) fn start(mut command: Command, log: PathBuf) -> anyhow::Result<Self> {
        let file = File::create(&log)?;
        command
            .stdout(Stdio::null())
            .stderr(file)
            .stdin(Stdio::null());
        let child = command.spawn().context("cannot start the agent")?;
        Ok(Self { child, log })
    }

    /// Sends it a signal, by the name that `kill` knows.
    pub(super) fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{signal}"), &id])
            .status()?;
        ensure!(status.success(), "the agent has ended by itself");
        Ok(())
    }

    /// Kills it at once.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it as a cluster does, and waits for it.
    pub(super) fn end(&mut self) -> anyhow::Result<()> {
        self.signal("TERM")?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the agent ended with {status}");
        Ok(())
    }

    /// The most memory that it has had so far, in MiB.
    pub(super) fn peak_mebibytes(&self) -> anyhow::Result<f64> {
        Ok(crate::run::memory_kib(self.child.id(), "VmHWM:")? as f64 / 1024.0)
    }

    pub(super) fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
