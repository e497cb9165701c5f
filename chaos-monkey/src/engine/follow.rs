//! Follows the journal while it is written: what is known so far, and whether it is bad enough
//! to end the game day.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::broadcast::error::RecvError;

use super::Stop;
use crate::journal::{Journal, LostWhat, Record};
use crate::schema::AbortCondition;
use crate::verdict::{Fold, is_within};

/// How often abort conditions are looked at: often enough to act within a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A fold of everything that is recorded from now on.
pub(super) fn fold(journal: &Journal) -> Arc<Mutex<Fold>> {
    let fold = Arc::new(Mutex::new(Fold::new()));
    let mut entries = journal.subscribe();
    let journal = journal.clone();
    let filled = Arc::downgrade(&fold);
    tokio::spawn(async move {
        loop {
            match entries.recv().await {
                Ok(entry) => match filled.upgrade() {
                    Some(fold) => fold.lock().push(&entry),
                    None => return,
                },
                // Abort conditions that do not see everything are not to be trusted.
                Err(RecvError::Lagged(count)) => journal.record(Record::Lost {
                    what: LostWhat::QueueFull,
                    count,
                }),
                Err(RecvError::Closed) => return,
            }
        }
    });
    fold
}

/// Returns when a condition is met, when records were lost, or when somebody has asked to stop; the
/// journal says which.
pub(super) async fn abort_conditions(
    conditions: &[AbortCondition],
    fold: &Arc<Mutex<Fold>>,
    journal: &Journal,
    stop: &Stop,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.asked() => return,
        }
        let now = journal.now_micros();
        let met = conditions.iter().find_map(|condition| {
            let window = condition.window.get();
            let journey = condition.journey.as_deref();
            let sample = fold.lock().window(condition.metric, journey, now, window);
            let value = sample.value?;
            let enough = sample.samples >= condition.minimum_samples;
            (enough && !is_within(value, condition.unless)).then(|| (condition.id.clone(), value))
        });
        if let Some((condition, value)) = met {
            journal.record(Record::Abort { condition, value });
            stop.ask_quietly();
            return;
        }
        if journal.is_damaged() {
            // Whatever is broken from here on proves nothing.
            stop.ask_quietly();
            return;
        }
    }
}
