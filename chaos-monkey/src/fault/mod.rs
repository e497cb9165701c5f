//! Carries planned faults out. One file per kind; each begins at once and ends by itself.
//!
//! A kill lasts until its victims are ready again, a pause until they go on, an outage until they
//! may come back.

mod kill;
mod outage;
mod pause;

use std::time::Duration;

use tokio::sync::watch;

use crate::journal::PlannedFault;
use crate::target::{Target, TargetError};

/// Turns true when everything must end, whatever was planned.
pub(crate) type Ending = watch::Receiver<bool>;

/// Whether there is such a kind of fault.
pub(crate) fn is_known(fault: &PlannedFault) -> bool {
    [kill::KIND, pause::KIND, outage::KIND].contains(&fault.kind.as_str())
}

/// Breaks the victims. If one of them cannot be broken, those before it are let go again.
pub(crate) async fn begin<T: Target>(target: &T, fault: &PlannedFault) -> Result<(), TargetError> {
    let begun = match fault.kind.as_str() {
        pause::KIND => pause::begin(target, fault).await,
        outage::KIND => outage::begin(target, fault).await,
        _ => kill::begin(target, fault).await,
    };
    if begun.is_err() {
        let_go(target, fault).await;
    }
    begun
}

/// Waits until the fault is over, or until everything must end, and lets the victims go.
pub(crate) async fn finish<T: Target>(target: &T, fault: &PlannedFault, mut ending: Ending) {
    let lasts = Duration::from_micros(u64::try_from(fault.lasts).unwrap_or_default());
    let over = async {
        if fault.kind == kill::KIND {
            kill::over(target, fault).await;
        } else {
            tokio::time::sleep(lasts).await;
        }
    };
    tokio::select! {
        () = over => {}
        // The sender is gone only when the engine is: end as well.
        _ = ending.wait_for(|ending| *ending) => {}
    }
    let_go(target, fault).await;
}

async fn let_go<T: Target>(target: &T, fault: &PlannedFault) {
    match fault.kind.as_str() {
        pause::KIND => pause::end(target, fault).await,
        outage::KIND => outage::end(target, fault).await,
        _ => {}
    }
}
