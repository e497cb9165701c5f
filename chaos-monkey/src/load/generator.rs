//! Begins each journey at its time, whether or not earlier ones have ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::journey::{self, Tally};
use super::transport::Transport;
use super::world::World;
use crate::journal::{Journal, Record};

/// Stops a load early. Clones stop the same load.
#[derive(Debug, Clone)]
pub struct LoadControl {
    stopped: watch::Sender<bool>,
}

impl LoadControl {
    /// A load that nobody has stopped.
    pub fn new() -> Self {
        Self {
            stopped: watch::Sender::new(false),
        }
    }

    /// No journey and no step begins any more; requests that are under way end by themselves.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Whether the load was stopped.
    pub fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    async fn stopped(&self) {
        // The sender lives in `self`, so the wait ends only when somebody stops the load.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }
}

impl Default for LoadControl {
    fn default() -> Self {
        Self::new()
    }
}

/// How a load ended. The same numbers stand in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOutcome {
    /// Requests that were due.
    pub due: u64,
    /// Requests that were sent over 50 ms late.
    pub late: u64,
    /// Journeys that were not begun since too many requests were under way.
    pub capped: u64,
}

/// Runs the journeys of a load for a time, waits for those that are under way, and writes the
/// generator's record.
pub(crate) async fn run<T: Transport>(
    world: &Arc<World<T>>,
    duration: Duration,
    journal: &Journal,
    control: &LoadControl,
) -> LoadOutcome {
    let tally = Arc::new(Tally::default());
    let room = Arc::new(Semaphore::new(world.max_in_flight as usize));
    let mut journeys = JoinSet::new();
    journal.start_load();
    let begin = Instant::now();
    for arrival in world.arrivals(duration) {
        let intended = begin + arrival.offset;
        tokio::select! {
            biased;
            () = control.stopped() => break,
            () = sleep_until(intended) => {}
        }
        while journeys.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            tally.due.fetch_add(1, Ordering::Relaxed);
            tally.capped.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let (world, journal, tally) = (Arc::clone(world), journal.clone(), Arc::clone(&tally));
        let control = control.clone();
        journeys.spawn(async move {
            journey::run(&world, &arrival, intended, &journal, &tally, &control).await;
            drop(place);
        });
    }
    while journeys.join_next().await.is_some() {}

    let outcome = LoadOutcome {
        due: tally.due.load(Ordering::Relaxed),
        late: tally.late.load(Ordering::Relaxed),
        capped: tally.capped.load(Ordering::Relaxed),
    };
    journal.record(Record::Generator {
        due: outcome.due,
        late: outcome.late,
        capped: outcome.capped,
    });
    outcome
}
