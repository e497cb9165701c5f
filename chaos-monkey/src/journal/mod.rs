//! The append-only record of a game day, from which every report is made.
//!
//! Everybody who has something to say holds a [`Journal`] and never waits: a record goes through
//! a bounded queue to one writer, which puts it into the file as a line of JSON and shows it to
//! the live views. A record that found the queue full, or that the disk refused, is counted, and
//! the run is inconclusive.

mod handle;
mod read;
mod record;
mod storage;
#[cfg(test)]
mod tests;
mod writer;

pub use handle::Journal;
pub use read::{ReadError, read};
pub use record::{
    Attempt, Cause, Entry, FaultId, InstanceName, JOURNAL_VERSION, LostWhat, PlannedFault, Record,
    RequestRecord, RequestResult, ServiceLayout,
};
pub use storage::{FileStorage, RESERVE_BYTES, Storage};
pub use writer::{Finished, JournalWriter, QUEUE_CAPACITY};
