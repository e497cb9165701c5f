//! Stops instances without ending them (SIGSTOP), and lets them go on (SIGCONT).

use crate::journal::PlannedFault;
use crate::target::{Target, TargetError};

pub(super) const KIND: &str = "pause";

pub(super) async fn begin<T: Target>(target: &T, fault: &PlannedFault) -> Result<(), TargetError> {
    for victim in &fault.victims {
        target.pause(victim, &fault.id).await?;
    }
    Ok(())
}

pub(super) async fn end<T: Target>(target: &T, fault: &PlannedFault) {
    for victim in &fault.victims {
        // One that has ended meanwhile needs nothing.
        if let Err(error) = target.resume(victim, &fault.id).await {
            tracing::debug!(%error, "{victim} was not resumed: {error}");
        }
    }
}
