//! Before, during and after: which stretch of time is which, and which request belongs where.

use super::numbers::Measured;
use crate::schema::Phase;

/// The bounds of the phases, in microseconds since the load began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phases {
    /// When the first fault began; without one the whole load is `before`.
    pub(super) first_fault: Option<i64>,
    /// When the steady state was back after the last fault, if it was.
    pub(super) recovered: Option<i64>,
    /// When the load ended.
    pub(super) load_end: i64,
}

impl Phases {
    /// From when until when a phase lasted; nothing if it was not reached.
    pub(super) fn bounds(&self, phase: Phase) -> Option<(i64, i64)> {
        let (from, to) = match (phase, self.first_fault) {
            (Phase::Before, None) => (0, self.load_end),
            (Phase::Before, Some(fault)) => (0, fault),
            (Phase::During, Some(fault)) => {
                (fault, self.recovered.unwrap_or(self.load_end).max(fault))
            }
            (Phase::After, Some(_)) => (self.recovered?, self.load_end),
            (Phase::During | Phase::After, None) => return None,
        };
        (from < to || phase == Phase::During).then_some((from, to))
    }

    /// The phase of a request. One that a fault can have touched is never `before`, and one that
    /// was to start before the recovery is never `after`.
    pub(super) fn of(&self, request: &Measured) -> Phase {
        if self.first_fault.is_none_or(|fault| request.ended < fault) {
            return Phase::Before;
        }
        if self
            .recovered
            .is_some_and(|recovered| request.intended >= recovered)
        {
            return Phase::After;
        }
        Phase::During
    }
}
