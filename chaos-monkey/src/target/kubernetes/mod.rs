//! A cluster of Kubernetes: the only place that talks to one.
//!
//! Watches only propose; what decides about a kill is read afresh right before it.

pub mod access;
pub mod agent;
mod attempt;
mod clock;
mod connection;
pub mod find;
mod fresh;
pub mod game_day;
pub mod halt;
mod http;
mod lease;
mod ledger;
mod list;
mod look;
mod outage;
mod owner;
mod record;
pub mod recovery;
#[cfg(test)]
mod scripted;
mod send;
mod send_until;
pub mod snapshot;
mod watch;
mod webhook;

/// What stands in place of the name of an agent where somebody kills by hand.
pub const BY_HAND: &str = "by hand";

pub use attempt::{Candidates, Killer, Leads, LeadsNow, Told, Wanted};
pub use connection::{ANSWER_LIMIT, ClusterError, Connection};
pub use lease::Election;
pub use ledger::{LedgerStore, ReadLedger};
pub use record::Records;
pub use watch::Watches;
