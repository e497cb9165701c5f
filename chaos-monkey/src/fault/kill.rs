//! Kills instances once. They come back after their restart delay.

use crate::journal::PlannedFault;
use crate::target::{Target, TargetError};

pub(super) const KIND: &str = "kill";

pub(super) async fn begin<T: Target>(target: &T, fault: &PlannedFault) -> Result<(), TargetError> {
    for victim in &fault.victims {
        target.kill(victim, &fault.id).await?;
    }
    Ok(())
}

/// A kill is over when its victims serve again.
pub(super) async fn over<T: Target>(target: &T, fault: &PlannedFault) {
    for victim in &fault.victims {
        target.until_ready(victim).await;
    }
}
