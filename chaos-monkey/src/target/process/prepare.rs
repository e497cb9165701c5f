//! Runs the command that comes before the first instance.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::timeout;

use super::StartError;
use super::child::{LeadingChild, describe};
use super::guardian::Guardian;
use super::logs;
use super::spec::Program;

/// Runs a command to its end.
pub(super) async fn run(
    program: &Program,
    within: Duration,
    log: &Path,
    guardian: &Guardian,
) -> Result<(), StartError> {
    let spawn_error = |source| StartError::Spawn {
        what: "prepare.command".to_owned(),
        source,
    };
    let mut child = LeadingChild::spawn(program, log, guardian).map_err(spawn_error)?;
    let in_time = timeout(within, child.ended()).await.is_ok();
    if !in_time {
        // It may have ended just now.
        let _ = child.signal(Signal::SIGKILL);
        child.ended().await;
    }
    let status = child.collect().map_err(spawn_error)?;
    if in_time && status.success() {
        return Ok(());
    }
    let how = if in_time {
        format!("ended with {}", describe(status))
    } else {
        format!("was not done within {}", humantime::format_duration(within))
    };
    Err(StartError::Prepare {
        how,
        log: logs::last_lines(log),
    })
}
