//! The load of a game day: an open model of users, their devices and their journeys.
//!
//! ```text
//! seed → arrivals → journey → device → transport → target
//!                      └→ journal: one record per request
//! ```
//!
//! `arrivals` decides who does what and when, before anything is sent; nothing that the system
//! answers changes it. A `journey` is one task: its requests one after the other. The `device`
//! makes the attempts of one request. Latency counts from the moment at which a request should
//! have been sent, so that a system that stalls cannot hide it by holding the generator up.

mod arrivals;
mod bindings;
mod completeness;
mod datasets;
mod device;
mod error;
mod generator;
mod journey;
mod names;
mod read_back;
mod script;
pub mod template;
#[cfg(test)]
mod tests;
mod transport;
mod users;
mod world;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use error::LoadError;
pub use generator::{LoadControl, LoadOutcome};
use transport::HttpTransport;
use world::World;

use crate::journal::Journal;
use crate::schema::GameDaySpec;
use crate::target::Endpoint;

/// A load that is ready to begin: its files are read, its templates checked, its users' sessions
/// open.
pub struct Sessions {
    world: Arc<World<HttpTransport>>,
}

impl fmt::Debug for Sessions {
    /// Without the sessions themselves: they hold tokens.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// Reads the files of a load, checks its templates against them, and runs the set-up of each
/// user, at most 4 at once and within 60 s. `endpoints` are where users reach the load's target.
///
/// # Errors
/// A file cannot be read, a template uses what nothing provides, or a session cannot be opened.
pub async fn open_sessions(
    spec: &GameDaySpec,
    run_folder: &Path,
    endpoints: &[Endpoint],
    seed: u64,
) -> Result<Sessions, LoadError> {
    let world = World::open(spec, run_folder, endpoints, seed).await?;
    Ok(Sessions {
        world: Arc::new(world),
    })
}

/// Begins the journeys that arrive within `duration` from now, each at its time, and returns when
/// the last one has ended, at most the patience of a user per step later. Each request becomes a
/// record of the journal, and at the end the generator's own counts.
///
/// It calls [`Journal::start_load`], unless that was done before. [`LoadControl::stop`] ends it early. A dropped future
/// drops every request with it.
pub async fn run(
    sessions: &Sessions,
    duration: Duration,
    journal: &Journal,
    control: &LoadControl,
) -> LoadOutcome {
    generator::run(&sessions.world, duration, journal, control).await
}

/// Asks for everything that usable answers acknowledged in [`run`], and writes one record for each
/// entry of `readBack`.
pub async fn read_back(sessions: &Sessions, journal: &Journal) {
    read_back::run(&sessions.world, journal).await;
}
