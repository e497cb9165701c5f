//! Kills all instances of a service and keeps them away for a while.

use crate::journal::PlannedFault;
use crate::target::{Target, TargetError};

pub(super) const KIND: &str = "outage";

pub(super) async fn begin<T: Target>(target: &T, fault: &PlannedFault) -> Result<(), TargetError> {
    for victim in &fault.victims {
        target.hold_down(victim, &fault.id).await?;
    }
    Ok(())
}

pub(super) async fn end<T: Target>(target: &T, fault: &PlannedFault) {
    for victim in &fault.victims {
        if let Err(error) = target.release(victim, &fault.id).await {
            tracing::debug!(%error, "{victim} was not released: {error}");
        }
    }
}
