//! The agent in Kubernetes: which pods may be killed, and when.
//!
//! `snapshot of the cluster → filters → timetable(seed) → plan`. All of it is pure; the snapshot is
//! what `kubectl` prints, so that a plan can be made and read without a cluster.

pub mod calendar;
pub mod census;
pub mod check;
pub mod cluster;
mod draw;
pub mod filter;
#[cfg(feature = "kubernetes")]
pub mod game_day;
pub mod guard;
pub mod ledger;
pub mod news;
pub mod object;
pub mod plan;
mod rules;
pub mod selector;
pub mod snapshot;
pub mod timetable;
pub mod workload;

pub use draw::NameHash;
pub use rules::{Itself, Refused, Rules};

/// The label or annotation by which pods are offered (`true`) and withheld (`false`).
pub const ENABLED: &str = "chaos.aplomb.dev/enabled";
