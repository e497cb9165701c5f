//! What the checks need to know of a fault.

use std::time::Duration;

use crate::schema::{FaultKind, Span, TimelineFault};

/// The key of its kind.
pub(super) fn word(fault: &FaultKind) -> &'static str {
    match fault {
        FaultKind::Kill(_) => "kill",
        FaultKind::Pause(_) => "pause",
        FaultKind::Outage(_) => "outage",
        FaultKind::Monkey(_) => "monkey",
    }
}

/// How long it lasts; nothing for what is done at once.
pub(super) fn lasts(fault: &FaultKind) -> Option<Span> {
    match fault {
        FaultKind::Kill(_) => None,
        FaultKind::Pause(pause) => Some(pause.r#for),
        FaultKind::Outage(outage) => Some(outage.r#for),
        FaultKind::Monkey(monkey) => Some(monkey.r#for),
    }
}

/// When it is over, counted from the beginning of the load.
pub(super) fn end(fault: &TimelineFault) -> Duration {
    let lasts = lasts(&fault.fault).unwrap_or_default();
    fault.at.get().saturating_add(lasts.get())
}
