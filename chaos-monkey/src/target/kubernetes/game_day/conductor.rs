//! Who conducts a game day: somebody at a terminal, or an agent.

use crate::agent::cluster::{OwnerName, Pod};
use crate::target::kubernetes::agent::HandTeller;
use crate::target::kubernetes::{Leads, Told, find};

/// Whoever conducts a game day, as far as its kills are concerned.
pub trait Conductor: Send + Sync {
    /// For how long it leads.
    fn leads(&self) -> Leads;

    /// The name of what a fault does to an owner, which is that of nothing else.
    fn occasion(&self, owner: &OwnerName) -> String;

    /// Whether it follows kills by itself until their owners are whole again.
    fn follows_kills(&self) -> bool;

    /// Hears what became of an attempt to kill a pod, by the name of its record.
    fn told(&self, kill: &str, owner: &OwnerName, pod: &Pod, told: &Told);
}

/// Somebody at a terminal: nobody else follows the kills, and others are told of them.
pub struct Somebody {
    teller: HandTeller,
}

impl Somebody {
    /// Somebody who tells of kills as the agent does.
    pub const fn new(teller: HandTeller) -> Self {
        Self { teller }
    }

    /// What tells of the kills.
    pub const fn teller(&self) -> &HandTeller {
        &self.teller
    }
}

impl Conductor for Somebody {
    fn leads(&self) -> Leads {
        Leads::NotNeeded
    }

    fn occasion(&self, owner: &OwnerName) -> String {
        find::occasion_by_hand(owner)
    }

    fn follows_kills(&self) -> bool {
        false
    }

    fn told(&self, _: &str, owner: &OwnerName, pod: &Pod, told: &Told) {
        self.teller.told(owner, pod, told);
    }
}
