//! What scenarios have in common. Each says what it has seen, or what was wrong.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::Value;

use super::world::World;

/// A scenario.
pub(super) type Scenario = fn(&World<'_>) -> anyhow::Result<String>;

pub(super) fn pause(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds));
}

/// Waits for so many records with this outcome.
pub(super) fn killed(world: &World<'_>, count: usize) -> anyhow::Result<Vec<Value>> {
    wait_for(30, &format!("{count} kills"), || {
        let kills = world.kills_that("killed")?;
        Ok((kills.len() >= count).then_some(kills))
    })
}

/// Looks until something is there, for so many seconds.
pub(super) fn wait_for<Found>(
    seconds: u64,
    what: &str,
    mut look: impl FnMut() -> anyhow::Result<Option<Found>>,
) -> anyhow::Result<Found> {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > end {
            bail!("{what}: not within {seconds} s");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
