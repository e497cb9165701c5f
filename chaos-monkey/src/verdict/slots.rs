//! Requests per slot of the time line.

use super::numbers::{Measured, Tally};
use super::run::Slot;

/// The length of a slot, in microseconds: 100 ms.
pub const SLOT_MICROS: i64 = 100_000;
/// A journal with absurd times does not get more slots than this: ten hours.
const MOST_SLOTS: i64 = 360_000;

/// The slots from 0 to `end`, by the intended start. `requests` is in that order.
pub(super) fn slots<'a>(requests: impl IntoIterator<Item = &'a Measured>, end: i64) -> Vec<Slot> {
    let count = end.max(0).div_euclid(SLOT_MICROS) + i64::from(end.max(0) % SLOT_MICROS > 0);
    let mut requests = requests.into_iter().peekable();
    let mut tally = Tally::coarse();
    (0..count.min(MOST_SLOTS))
        .map(|index| {
            let from = index * SLOT_MICROS;
            tally.clear();
            while let Some(request) = requests.next_if(|next| next.intended < from + SLOT_MICROS) {
                tally.add(request);
            }
            Slot {
                from,
                numbers: tally.numbers(),
            }
        })
        .collect()
}
