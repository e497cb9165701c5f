//! Runs the command that comes before the first instance, or before a system that runs already is
//! looked at.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::timeout;

use super::child::{LeadingChild, describe};
use super::guardian::Guardian;
use super::logs;
use super::spec::{self, Program};
use super::words::Words;
use super::{ProcessOptions, RunDir, Secrets, StartError};
use crate::schema::System;

/// Runs the command `prepare` of a system whose instances are no processes of this run, if it has
/// one. It goes into the same folder, with the same words and the same guardian.
///
/// # Errors
/// The command is not there, fails, or is not done in time.
pub async fn prepare(
    system: &System,
    run_dir: &RunDir,
    secrets: &Secrets,
    options: &ProcessOptions,
) -> Result<(), StartError> {
    let Some(definition) = &system.spec.prepare else {
        return Ok(());
    };
    let words = Words::of_run(&run_dir.work(), secrets, &system.spec.secrets);
    let program = spec::prepare(definition, &words)?;
    let guardian = options.start_guardian()?;
    let log = run_dir.prepare_log();
    run(&program, definition.within.get(), &log, &guardian).await
}

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
