//! Whether the owner of a victim is whole again, and what became of kills whose agent is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::BY_HAND;
use super::connection::{ClusterError, Connection, UNDERWAY_LIMIT};
use super::fresh::Fresh;
use super::ledger::LedgerStore;
use super::record::Records;
use crate::agent::cluster::Pod;
use crate::agent::ledger;
use crate::schema::{KillOutcome, LedgerEntry};

/// How long after the last moment of a kill it is settled by somebody else: longer than its
/// request can be on its way.
const MARGIN: Duration = Duration::from_secs(5);

/// For how long an open kill is left to its own agent. By then that has followed it, unless it is
/// gone for good.
pub(super) const OTHERS_AFTER: Duration = Duration::from_secs(60);

/// How often kills are looked at that may be under way.
const LOOK_EVERY: Duration = Duration::from_millis(500);

const _: () = assert!(MARGIN.as_secs() > UNDERWAY_LIMIT.as_secs());

/// How an open kill stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Its agent may still be at it.
    UnderWay,
    /// It was never sent, and its reservation is free again.
    NotSent,
    /// It may have been sent, and its victim lives: it counts, and nobody waits for it any more.
    Survived,
    /// Its owner is not whole again, for this reason.
    NotWhole(String),
    /// Its owner is whole again, or is no more.
    Whole {
        /// Seconds since the kill.
        seconds: f64,
    },
}

/// Since when somebody knows of an open kill.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// When it was seen first, by a clock that no change of the time of day can move.
    pub since: Instant,
    /// Whether this is the first look at it.
    pub is_first_look: bool,
}

impl Known {
    /// One that is seen for the first time.
    pub fn now() -> Self {
        Self {
            since: Instant::now(),
            is_first_look: true,
        }
    }

    /// Whether nothing can be sent any more for a kill, whatever the clocks of others say: as much
    /// time has passed since it was seen as its agent had at all.
    fn is_over(&self, entry: &LedgerEntry) -> bool {
        let span = entry.not_after.duration_since(entry.at);
        let span = Duration::try_from(span).unwrap_or(Duration::ZERO);
        self.since.elapsed() >= span.saturating_add(MARGIN)
    }
}

/// Looks at a kill that the ledger holds as open, and writes down what is new about it. Who sees
/// it for the first time cannot say how long its owner took, only how long at most.
///
/// # Errors
///
/// The cluster refuses or is too slow; nothing is lost.
pub async fn follow(
    connection: &Connection,
    namespace: &str,
    entry: &LedgerEntry,
    known: Known,
) -> Result<Standing, ClusterError> {
    let store = LedgerStore::new(connection.client.clone(), namespace);
    let records = Records::new(connection.client.clone(), namespace);
    let is_over = known.is_over(entry);
    if entry.outcome.is_none() && !is_over {
        return Ok(Standing::UnderWay);
    }
    let fresh = Fresh::read(&connection.client, &entry.owner).await?;
    let pods = fresh.as_ref().map_or(&[][..], |it| &it.pods);
    let victim = pods.iter().find(|pod| pod.uid == entry.pod_uid);
    if entry.outcome.is_none() {
        let (outcome, reason) = settled(victim);
        let reason = format!("{reason}, long after its agent could have sent anything");
        records.complete(&entry.kill, outcome, Some(reason)).await?;
        store
            .change(|it| ledger::settle(it, entry, outcome))
            .await?;
        if outcome == KillOutcome::NotSent {
            return Ok(Standing::NotSent);
        }
    }
    let is_unknown = entry.outcome == Some(KillOutcome::Unknown);
    if is_unknown && is_over && victim.is_some_and(|pod| !pod.is_terminating) {
        store.change(|it| ledger::close(it, &entry.kill)).await?;
        return Ok(Standing::Survived);
    }
    let reason = match &fresh {
        Some(fresh) => not_whole(fresh, victim),
        // An owner that is no more wants nothing back.
        None => None,
    };
    if let Some(reason) = reason {
        return Ok(Standing::NotWhole(reason));
    }
    let since = Timestamp::now().duration_since(entry.at);
    // One of the future was made just now, whichever clock is wrong.
    let seconds = since.as_secs_f64().max(0.0);
    let at_most = if known.is_first_look { "<" } else { "" };
    let after = format!("{at_most}{seconds:.1}s");
    records.whole_after(&entry.kill, after).await?;
    store.change(|it| ledger::close(it, &entry.kill)).await?;
    Ok(Standing::Whole { seconds })
}

/// Looks at the open kills that may have nobody who follows them, for no agent need run: those by
/// hand, and those of an agent that is gone. Without that the guard `open-kills` would forbid every
/// kill after them. Returns when it is known what became of each.
///
/// # Errors
///
/// The cluster refuses or is too slow; nothing is lost.
pub async fn catch_up(connection: &Connection, namespace: &str) -> Result<(), ClusterError> {
    let store = LedgerStore::new(connection.client.clone(), namespace);
    let mut since: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        let ledger = store.get().await?;
        let kills = ledger.iter().flat_map(|it| &it.spec().kills);
        let mut is_known = true;
        for entry in kills.filter(|entry| !entry.is_whole && is_nobodys(entry)) {
            let known = Known {
                since: *since.entry(entry.kill.clone()).or_insert_with(Instant::now),
                is_first_look: true,
            };
            is_known &= match follow(connection, namespace, entry, known).await? {
                Standing::UnderWay => false,
                // Later its victim tells whether it was killed at all.
                Standing::NotWhole(_) if entry.outcome == Some(KillOutcome::Unknown) => {
                    known.is_over(entry)
                }
                _ => true,
            };
        }
        if is_known {
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
}

fn is_nobodys(entry: &LedgerEntry) -> bool {
    let age = Timestamp::now().duration_since(entry.at);
    let others_after = SignedDuration::try_from(OTHERS_AFTER).unwrap_or(SignedDuration::MAX);
    entry.agent == BY_HAND || age > others_after
}

/// What became of a kill of whose agent nothing was heard: its victim tells.
const fn settled(victim: Option<&Pod>) -> (KillOutcome, &'static str) {
    match victim {
        None => (KillOutcome::Killed, "the pod is gone"),
        Some(pod) if pod.is_terminating => (KillOutcome::Killed, "the pod is about to end"),
        Some(_) => (KillOutcome::NotSent, "the pod lives"),
    }
}

/// Why an owner is not whole: by its pods, and by its own word about them.
fn not_whole(fresh: &Fresh, victim: Option<&Pod>) -> Option<String> {
    if let Some(pod) = victim {
        return Some(format!("`{}` is not gone", pod.name));
    }
    let ready = fresh
        .pods
        .iter()
        .filter(|pod| pod.is_ready && !pod.is_terminating)
        .count();
    let wanted = fresh.state.wanted;
    if ready < wanted as usize {
        return Some(format!("{ready} of {wanted} pods are ready"));
    }
    if !fresh.state.is_whole() {
        return Some("the owner has not noticed its new pod".to_owned());
    }
    None
}

#[cfg(test)]
mod tests;
