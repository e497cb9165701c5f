//! Who conducts a game day: somebody at a terminal, or an agent.

use crate::agent::cluster::{OwnerName, Pod};
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

/// Somebody at a terminal: nobody else follows the kills, and the report tells of them.
#[derive(Debug, Clone, Copy)]
pub struct Somebody;

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

    fn told(&self, _: &str, _: &OwnerName, _: &Pod, _: &Told) {}
}
