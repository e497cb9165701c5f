//! The append-only record of a game day, from which every report is made.

mod handle;
mod record;

pub use handle::Journal;
pub use record::{
    Attempt, Cause, Entry, FaultId, InstanceName, JOURNAL_VERSION, LostWhat, PlannedFault, Record,
    RequestRecord, RequestResult, ServiceLayout,
};
