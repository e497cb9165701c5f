//! What must be at rest before a game day begins: whatever is under way then would be laid to it, and
//! it runs only once.

use std::time::Duration;

use super::super::Shared;
use crate::agent::Rules;
use crate::schema::{GameDay, System};
use crate::target::kubernetes::ClusterError;
use crate::target::kubernetes::game_day::{Pods, PodsError};

/// How long a game day waits for that. After it the run itself says what is wrong.
pub(super) const WITHIN: Duration = Duration::from_secs(300);

/// What is not at rest.
///
/// # Errors
///
/// The cluster refuses or is too slow.
pub(super) async fn unrest(
    shared: &Shared,
    rules: &Rules,
    namespace: &str,
    game_day: &GameDay,
    system: &System,
) -> Result<Option<String>, ClusterError> {
    if shared.works() {
        return Ok(Some("it waits for a kill of the schedule".to_owned()));
    }
    let ledger = shared.ledger().get().await?;
    let kills = ledger.iter().flat_map(|it| &it.spec().kills);
    let open: Vec<_> = kills.filter(|entry| !entry.is_whole).collect();
    let is_full = open.len() >= rules.guards().open_kills as usize;
    let in_the_way = open
        .iter()
        .find(|entry| is_full || entry.owner.namespace == namespace);
    if let Some(entry) = in_the_way {
        return Ok(Some(format!("it waits until {} is whole", entry.owner)));
    }
    let client = &shared.connection.client;
    match Pods::read(client, system, &game_day.spec.load.target).await {
        Err(error @ (PodsError::NotReady { .. } | PodsError::NoPods { .. })) => {
            Ok(Some(error.to_string()))
        }
        Err(PodsError::Cluster(error)) => Err(error),
        // What else is wrong with them the run says.
        Ok(_) | Err(_) => Ok(None),
    }
}
