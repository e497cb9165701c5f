//! Keeps services down: each pod of them is killed as it appears.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::deed::Meant;
use super::roster::{Roster, Victim};
use super::target::Core;

/// Kills whatever the roster says is to be kept down, until it is cancelled.
pub(super) async fn keep_down(core: Arc<Core>) {
    let mut changed = core.changed.subscribe();
    let mut kills = JoinSet::new();
    loop {
        for victim in core.look(Roster::begin_held) {
            let core = Arc::clone(&core);
            kills.spawn(async move { keep_one_down(&core, &victim).await });
        }
        tokio::select! {
            // The sender lives as long as the core does.
            _ = changed.changed() => {}
            Some(_) = kills.join_next() => {}
        }
    }
}

/// A service that is back in part is no outage any more.
async fn keep_one_down(core: &Core, victim: &Victim) {
    if let Err(why) = core.attempt(victim, Meant::Outage).await {
        let reason = format!("pod {} could not be kept down: {why}", victim.pod);
        core.give_up(&victim.fault, reason);
    }
}
