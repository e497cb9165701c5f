//! Whether the owner of a victim is whole again, and what became of kills whose agent is gone.

use jiff::Timestamp;

use super::connection::{ClusterError, Connection};
use super::fresh::Fresh;
use super::ledger::LedgerStore;
use super::record::Records;
use crate::agent::cluster::Pod;
use crate::agent::ledger;
use crate::schema::{KillOutcome, LedgerEntry};

/// How much the clock of another agent may differ.
const CLOCK_SKEW: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);

/// How an open kill stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Its agent may still be at it.
    UnderWay,
    /// It was never sent, and its reservation is free again.
    NotSent,
    /// Its owner is not whole again, for this reason.
    NotWhole(String),
    /// Its owner is whole again, or is no more.
    Whole {
        /// Seconds since the kill.
        seconds: f64,
    },
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
    is_first_look: bool,
) -> Result<Standing, ClusterError> {
    let store = LedgerStore::new(connection.client.clone(), namespace);
    let records = Records::new(connection.client.clone(), namespace);
    let now = Timestamp::now();
    if entry.outcome.is_none() && now < entry.not_after + CLOCK_SKEW {
        return Ok(Standing::UnderWay);
    }
    let fresh = Fresh::read(&connection.client, &entry.owner).await?;
    let pods = fresh.as_ref().map_or(&[][..], |it| &it.pods);
    let victim = pods.iter().find(|pod| pod.uid == entry.pod_uid);
    if entry.outcome.is_none() {
        let (outcome, reason) = settled(victim);
        let reason = format!("{reason}, long after its agent could have sent anything");
        complete(&records, &entry.kill, outcome, reason).await?;
        store
            .change(|it| ledger::settle(it, &entry.kill, outcome))
            .await?;
        if outcome == KillOutcome::NotSent {
            return Ok(Standing::NotSent);
        }
    }
    let reason = match &fresh {
        Some(fresh) => not_whole(fresh, victim),
        // An owner that is no more wants nothing back.
        None => None,
    };
    if let Some(reason) = reason {
        return Ok(Standing::NotWhole(reason));
    }
    let seconds = Timestamp::now().duration_since(entry.at).as_secs_f64();
    let at_most = if is_first_look { "<" } else { "" };
    let after = format!("{at_most}{seconds:.1}s");
    match records.whole_after(&entry.kill, after).await {
        // A record that somebody has deleted needs no completion.
        Err(error) if error.code() != 404 => return Err(error),
        _ => {}
    }
    store
        .change(|it| ledger::mark_whole(it, &entry.kill))
        .await?;
    Ok(Standing::Whole { seconds })
}

async fn complete(
    records: &Records,
    kill: &str,
    outcome: KillOutcome,
    reason: String,
) -> Result<(), ClusterError> {
    match records.complete(kill, outcome, Some(reason)).await {
        // Reserved, and then its agent was gone before the record was written.
        Err(error) if error.code() == 404 => Ok(()),
        result => result,
    }
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
