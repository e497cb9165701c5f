//! From the end of a fault until the steady state is back.

use super::numbers::Measured;
use super::run::{RecoveryRun, RecoveryStatus};
use super::slots::SLOT_MICROS;
use super::steady_state::{Requirement, unmet};
use crate::journal::FaultId;

/// Where the steady state says nothing about harvest, a recovered harvest may be lower than the
/// one before the faults by this much.
pub const HARVEST_SLACK: f64 = 0.01;

/// A fault that was carried out. One that never ended ends with the load.
#[derive(Debug, Clone)]
pub(super) struct Executed {
    pub(super) id: FaultId,
    pub(super) began: i64,
    pub(super) ended: i64,
}

/// What a recovery is measured with.
#[derive(Debug)]
pub(super) struct Recoveries<'a> {
    /// What must hold again.
    pub(super) requirements: Vec<Requirement>,
    /// The measured requests in the order of their intended start.
    pub(super) requests: &'a [Measured],
    /// How long it must hold.
    pub(super) hold: i64,
    /// How fast it must be back.
    pub(super) within: i64,
    /// When the load ended.
    pub(super) load_end: i64,
}

impl Recoveries<'_> {
    /// One recovery per episode. Faults belong to one episode if the next began before the steady
    /// state had held for `hold` since the end of the ones before it; the recovery counts from the
    /// last end. `faults` are in the order in which they began.
    pub(super) fn of(&self, faults: &[Executed]) -> Vec<RecoveryRun> {
        let mut recoveries = Vec::new();
        let mut faults = faults.iter().peekable();
        while let Some(first) = faults.next() {
            let mut members = vec![first];
            let mut ended = first.ended;
            let recovered = loop {
                let limit = faults.peek().map_or(self.load_end, |next| next.began);
                let recovered = self.held_from(ended, limit);
                if recovered.is_some() {
                    break recovered;
                }
                let Some(next) = faults.next() else {
                    break None;
                };
                ended = ended.max(next.ended);
                members.push(next);
            };
            recoveries.push(self.recovery(&members, ended, recovered));
        }
        recoveries
    }

    /// The first moment from `from` on, in steps of a slot, from which the steady state holds long
    /// enough before `limit`.
    fn held_from(&self, from: i64, limit: i64) -> Option<i64> {
        let mut at = from;
        while at + self.hold <= limit {
            if unmet(&self.requirements, self.between(at, at + self.hold)).is_empty() {
                return Some(at);
            }
            at += SLOT_MICROS;
        }
        None
    }

    fn recovery(&self, members: &[&Executed], ended: i64, recovered: Option<i64>) -> RecoveryRun {
        let after = recovered.map(|at| at - ended);
        let (status, broken) = match after {
            Some(after) if after <= self.within => (RecoveryStatus::Recovered, Vec::new()),
            Some(_) => (RecoveryStatus::Late, Vec::new()),
            None => self.not_seen(ended),
        };
        // The fault that ends last closes the episode.
        let mut members = members.to_vec();
        members.sort_by_key(|fault| fault.ended);
        RecoveryRun {
            faults: members.iter().map(|fault| fault.id.clone()).collect(),
            ended_micros: ended,
            recovered_micros: recovered,
            after_micros: after,
            status,
            broken,
        }
    }

    /// Not back when the load ended, or no time to see it.
    fn not_seen(&self, ended: i64) -> (RecoveryStatus, Vec<String>) {
        let tail = self.between(ended.max(self.load_end - self.hold), self.load_end);
        let broken = if tail.is_empty() {
            Vec::new()
        } else {
            unmet(&self.requirements, tail)
        };
        let had_time = self.load_end - ended >= self.within + self.hold;
        if broken.is_empty() && !had_time {
            return (RecoveryStatus::TooShort, broken);
        }
        (RecoveryStatus::NotRecovered, broken)
    }

    /// The requests that were to start in `[from, to)`.
    fn between(&self, from: i64, to: i64) -> &[Measured] {
        let first = self
            .requests
            .partition_point(|request| request.intended < from);
        let end = self
            .requests
            .partition_point(|request| request.intended < to);
        self.requests.get(first..end).unwrap_or_default()
    }
}
