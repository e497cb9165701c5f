//! Which faults a failed or degraded request can be laid to.

use super::run::{FaultRun, Troubled};
use crate::journal::FaultId;

/// How long a fault still reaches requests once everything it disturbed is back: connections and
/// breakers of the neighbours need a moment. Two seconds.
pub const GRACE_MICROS: i64 = 2_000_000;

/// From when until when a fault can be the reason for what a user got.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) fault: FaultId,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// The end of a fault's reach: [`GRACE_MICROS`] after its end, the return of its victims and the
/// return of the steady state, whichever is last. Without an end, or as long as a victim is away,
/// it has none.
pub(super) fn reach_end(ended: Option<i64>, ready: Option<i64>, recovered: Option<i64>) -> i64 {
    let (Some(ended), Some(ready)) = (ended, ready) else {
        return i64::MAX;
    };
    let settled = ended.max(ready).max(recovered.unwrap_or(ended));
    settled.saturating_add(GRACE_MICROS)
}

/// Names the faults that overlap each request, from its intended start to its end.
pub(super) fn attribute(troubled: &mut [Troubled], reaches: &[Reach]) {
    for request in troubled {
        request.faults = reaches
            .iter()
            .filter(|reach| request.intended <= reach.to && request.ended >= reach.from)
            .map(|reach| reach.fault.clone())
            .collect();
    }
}

/// Counts the requests that are laid to a fault: failed ones, degraded ones.
pub(super) fn count(fault: &mut FaultRun, troubled: &[Troubled]) {
    use crate::journal::RequestResult::{Degraded, Failed};
    let laid_to = |result| {
        troubled
            .iter()
            .filter(|request| request.result == result && request.faults.contains(&fault.id))
            .count() as u64
    };
    let (failed, degraded) = (laid_to(Failed), laid_to(Degraded));
    fault.requests_failed = failed;
    fault.requests_degraded = degraded;
}
