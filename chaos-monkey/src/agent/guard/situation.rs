//! What is known at the moment of a kill.

use jiff::Timestamp;

use crate::agent::cluster::{OwnerName, Pod};
use crate::agent::workload::Narrowing;
use crate::schema::LedgerEntry;

/// What is known at a moment that concerns every kill, whoever the victim is.
#[derive(Debug, Clone, Copy)]
pub struct Overall<'read> {
    /// The moment.
    pub now: Timestamp,
    /// The halts that reach it; or why they could not be read.
    pub halts: Result<&'read [Halt], &'read str>,
    /// Whether this agent leads.
    pub leadership: Leadership,
    /// What the ledger holds, without the reservation of this kill.
    pub ledger: &'read [LedgerEntry],
    /// The occasion of this kill: others of the same one belong to it.
    pub occasion: &'read str,
    /// Why something may be broken already.
    pub outage: Option<&'read str>,
}

impl Overall<'_> {
    /// What the ledger holds of other occasions.
    pub(super) fn of_other_occasions(&self) -> impl Iterator<Item = &LedgerEntry> {
        let is_other = |entry: &&LedgerEntry| entry.occasion != self.occasion;
        self.ledger.iter().filter(is_other)
    }
}

/// What is known at the moment of a kill.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'read> {
    /// What concerns every kill.
    pub overall: Overall<'read>,
    /// Who is to be killed.
    pub victim: &'read Pod,
    /// The name of its owner.
    pub owner: &'read OwnerName,
    /// How its owner is.
    pub state: &'read OwnerState,
    /// What its owner says about how it is killed from.
    pub narrowing: Narrowing,
    /// All pods of its owner.
    pub pods: &'read [Pod],
    /// The disruption budgets that select the victim.
    pub disruption_budgets: &'read [DisruptionBudget],
}

impl Situation<'_> {
    /// What the ledger holds of the owner, of other occasions.
    pub(super) fn earlier_kills_of_the_owner(&self) -> impl Iterator<Item = &LedgerEntry> {
        let entries = self.overall.of_other_occasions();
        entries.filter(|entry| entry.owner == *self.owner)
    }

    /// How many pods of the owner may be missing since they were killed.
    pub(super) fn open_kills_of_the_owner(&self) -> usize {
        let is_open = |entry: &&LedgerEntry| !entry.is_whole && entry.owner == *self.owner;
        self.overall.ledger.iter().filter(is_open).count()
    }

    /// How many pods of the owner are ready and stay so: neither the victim nor another one that
    /// the ledger says may have been killed.
    pub(super) fn ready_after_the_kill(&self) -> usize {
        let is_victim = |pod: &Pod| {
            let may_be_killed = |entry: &LedgerEntry| !entry.is_whole && entry.pod_uid == pod.uid;
            pod.uid == self.victim.uid || self.overall.ledger.iter().any(may_be_killed)
        };
        let stays = |pod: &&Pod| pod.is_ready && !pod.is_terminating && !is_victim(pod);
        self.pods.iter().filter(stays).count()
    }
}

/// How an owner is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnerState {
    /// How many pods it wants.
    pub wanted: u32,
    /// How many of its pods are ready, by its own word.
    pub ready: u32,
    /// What of a rollout is not finished, for people.
    pub rollout: Option<String>,
    /// How many of its new pods are not available, be it that they are still being rolled out, be
    /// it that they are missing again.
    pub unavailable: u32,
    /// Whether what it says of itself is older than what is asked of it.
    pub is_stale: bool,
}

impl OwnerState {
    /// Whether as many pods are ready as are wanted.
    pub const fn is_whole(&self) -> bool {
        !self.is_stale && self.ready >= self.wanted
    }
}

/// A halt switch that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// The namespace of the switch.
    pub namespace: String,
    /// Why, as whoever switched it on has said.
    pub reason: String,
}

/// Whether an agent leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leadership {
    /// It does.
    Held,
    /// It does not, or not for long enough to finish a kill.
    Lost,
    /// Somebody kills by hand.
    NotNeeded,
}

/// A disruption budget of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisruptionBudget {
    /// Its name.
    pub name: String,
    /// How many disruptions it allows now.
    pub allowed: i32,
}
