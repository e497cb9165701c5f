//! Follows what was killed until its owners are whole again, where no agent does: without that the
//! guard `open-kills` would forbid every later kill.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::target::Core;
use crate::schema::LedgerEntry;
use crate::target::kubernetes::recovery::{self, Known};
use crate::target::kubernetes::{ClusterError, LedgerStore};

/// How often the ledger is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Follows them until it is cancelled.
pub(super) async fn until_whole(core: Arc<Core>) {
    let mut since = BTreeMap::new();
    loop {
        if let Err(error) = look(&core, &mut since).await {
            tracing::debug!(%error, "what came of the kills is looked at later: {error}");
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Returns when the owners of all victims of this game day are whole again, by the ledger.
pub(super) async fn until_all_are_whole(core: &Core) {
    loop {
        let open = open(core).await;
        if open.is_ok_and(|open| !open.iter().any(|entry| core.is_own(&entry.occasion))) {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Looks once, and remembers since when each kill is known.
async fn look(core: &Core, since: &mut BTreeMap<String, Instant>) -> Result<(), ClusterError> {
    let killer = &core.killer;
    for entry in open(core).await? {
        let known = Known {
            since: *since.entry(entry.kill.clone()).or_insert_with(Instant::now),
            is_first_look: !core.is_own(&entry.occasion),
        };
        recovery::follow(&killer.connection, &killer.namespace, &entry, known).await?;
    }
    Ok(())
}

/// The kills of whoever kills whose owners are not whole again.
async fn open(core: &Core) -> Result<Vec<LedgerEntry>, ClusterError> {
    let killer = &core.killer;
    let store = LedgerStore::new(killer.connection.client.clone(), &killer.namespace);
    let ledger = store.get().await?;
    let mut kills = ledger.map_or_else(Vec::new, |it| it.spec().kills.clone());
    kills.retain(|entry| entry.agent == killer.agent && !entry.is_whole);
    Ok(kills)
}
