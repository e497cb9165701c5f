//! The users, and the sessions that they open before the load begins.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, sleep, timeout_at};

use super::LoadError;
use super::bindings::{Bindings, Captured, Rows};
use super::datasets::{read_rows, resolve};
use super::device::{Device, may_help_elsewhere};
use super::script::Script;
use super::transport::Transport;
use super::world::mix;
use crate::journal::Cause;
use crate::schema::Load;

/// How many sessions are opened at once: a login is expensive on purpose.
const AT_ONCE: usize = 4;
/// How long all sessions together may take.
pub(crate) const WITHIN: Duration = Duration::from_mins(1);
/// The pause before a session that could not be opened is tried again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Reads the users and the datasets of a load.
pub(crate) async fn read_all_rows(load: &Load, run_folder: &Path) -> Result<Rows, LoadError> {
    let mut rows = Rows::default();
    if let Some(users) = &load.users {
        rows.users = read_rows(&resolve(&users.file, run_folder)).await?;
    }
    for (name, dataset) in &load.datasets {
        let dataset_rows = read_rows(&resolve(&dataset.file, run_folder)).await?;
        rows.datasets.insert(name.clone(), dataset_rows);
    }
    Ok(rows)
}

/// Runs the steps of the set-up for each user, and returns what they captured, in the order of
/// the users. A step that a replica was too busy or unable to answer is tried again until all
/// sessions together have taken too long.
pub(crate) async fn open_all<T: Transport>(
    script: &Script,
    rows: &Arc<Rows>,
    device: &Device<T>,
    seed: u64,
    tag: &str,
) -> Result<Vec<Arc<Captured>>, LoadError> {
    let users = rows.users.len();
    if script.setup.is_empty() {
        return Ok(vec![Arc::default(); users]);
    }
    let mut sessions = Vec::with_capacity(users);
    let mut opening = stream::iter(0..users)
        .map(|user| open_one(script, rows, device, user, seed, tag))
        .buffered(AT_ONCE);
    let ends = Instant::now() + WITHIN;
    loop {
        match timeout_at(ends, opening.next()).await {
            Ok(Some(session)) => sessions.push(Arc::new(session?)),
            Ok(None) => return Ok(sessions),
            Err(_) => {
                return Err(LoadError::SessionsLate {
                    opened: sessions.len(),
                    users,
                    within: WITHIN,
                });
            }
        }
    }
}

async fn open_one<T: Transport>(
    script: &Script,
    rows: &Arc<Rows>,
    device: &Device<T>,
    user: usize,
    seed: u64,
    tag: &str,
) -> Result<Captured, LoadError> {
    let mut bindings = Bindings {
        rows: Arc::clone(rows),
        user: Some(user),
        session: Arc::default(),
        dataset_rows: Vec::new(),
        sequence: 0,
        captured: Captured::new(),
    };
    for (index, step) in script.setup.iter().enumerate() {
        let failed = |cause| LoadError::Session {
            user,
            step: step.name.clone(),
            cause,
        };
        let key = format!("{tag}-setup-{user}-{index}");
        let request = step
            .request
            .render(&bindings, &key)
            .map_err(|_| failed(Cause::Malformed))?;
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        let answer = loop {
            let draw = mix(&[seed, user as u64, index as u64, tries]);
            match device.ask(&request, &step.expected, draw).await.answer {
                Ok(answer) => break answer,
                Err(cause) if !may_help_later(&cause) => return Err(failed(cause)),
                Err(_) => sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            tries += 1;
        };
        let captured = step
            .capture(&answer)
            .map_err(|_| failed(Cause::Malformed))?;
        bindings.captured.extend(captured);
    }
    Ok(bindings.captured)
}

/// Whether the same request may be answered after a pause: what another replica might answer,
/// and `429 Too Many Requests`.
fn may_help_later(cause: &Cause) -> bool {
    may_help_elsewhere(cause) || *cause == Cause::Status(429)
}
