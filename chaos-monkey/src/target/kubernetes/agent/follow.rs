//! Follows kills until their owners are whole again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::tell::Teller;
use super::{Shared, metrics};
use crate::schema::LedgerEntry;
use crate::target::kubernetes::recovery::{Known, OTHERS_AFTER, Standing, follow};
use crate::target::kubernetes::{BY_HAND, ClusterError, Records, clock, halt};

/// How often open kills are looked at. Without one nothing is asked of the cluster.
const EVERY: Duration = Duration::from_secs(1);

/// How long a record is kept at least: longer than any budget counts it, and as long as the ledger
/// holds it.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);

/// How often old records are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

/// Follows kills.
pub(super) struct Follower {
    shared: Arc<Shared>,
    news: Notify,
}

/// What is known of open kills.
#[derive(Default)]
pub(super) struct Seen {
    /// Since when, by their names.
    since: BTreeMap<String, Instant>,
    /// Those that were looked at.
    looked_at: BTreeSet<String>,
    /// Those whose owners were told of as late.
    late: BTreeSet<String>,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared,
            news: Notify::new(),
        })
    }

    /// Says that the ledger may hold open kills.
    pub(super) fn look_at_the_ledger(&self) {
        self.news.notify_one();
    }

    /// Follows until it is cancelled.
    pub(super) async fn run(&self) {
        let mut seen = Seen::default();
        let mut pruned: Option<Instant> = None;
        loop {
            self.news.notified().await;
            if pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
                pruned = Some(Instant::now());
                if let Err(error) = self.prune().await {
                    tracing::warn!(%error, "old records could not be taken away");
                }
            }
            while self.shared.election.is_leader() {
                match self.round(&mut seen).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "open kills could not be looked at"),
                }
                sleep(EVERY).await;
            }
        }
    }

    /// Looks at each open kill once; says how many there are still. One that cannot be looked at
    /// keeps no other from it.
    pub(super) async fn round(&self, seen: &mut Seen) -> Result<usize, ClusterError> {
        let ledger = self.shared.ledger().get().await?;
        let kills = ledger.iter().flat_map(|it| &it.spec().kills);
        let open: Vec<&LedgerEntry> = kills.filter(|entry| !entry.is_whole).collect();
        seen.keep(&open);
        let mut left = 0;
        for entry in open {
            if self.look_at(entry, seen).await {
                left += 1;
            }
        }
        self.shared.metrics.open_kills.set(metrics::number(left));
        Ok(left)
    }

    /// Looks at one kill, and says whether it is still open.
    async fn look_at(&self, entry: &LedgerEntry, seen: &mut Seen) -> bool {
        // One by hand is nobody's: whoever made it may not wait for what comes of it.
        let is_own = entry.agent == self.shared.name || entry.agent == BY_HAND;
        let since = seen.since.get(&entry.kill).copied();
        let since = since.unwrap_or_else(Instant::now);
        if !is_own && since.elapsed() < OTHERS_AFTER {
            return true;
        }
        let known = Known {
            since,
            is_first_look: seen.looked_at.insert(entry.kill.clone()),
        };
        let (connection, namespace) = (&self.shared.connection, &self.shared.namespace);
        let standing = match follow(connection, namespace, entry, known).await {
            Ok(standing) => standing,
            Err(error) => {
                tracing::warn!(kill = entry.kill, %error, "it could not be looked at");
                return true;
            }
        };
        match standing {
            Standing::NotSent => false,
            Standing::Survived => {
                Teller::has_survived(entry);
                false
            }
            Standing::UnderWay => true,
            Standing::Whole { seconds } => {
                if is_own {
                    if !known.is_first_look {
                        self.shared.metrics.recovery_seconds.observe(seconds);
                    }
                    self.shared.teller.is_whole(entry, seconds);
                }
                false
            }
            Standing::NotWhole(reason) => {
                if is_own {
                    self.on_late(entry, &reason, seen).await;
                }
                true
            }
        }
    }

    /// Tells once of an owner that is not whole within its limit, and halts if that is wanted.
    async fn on_late(&self, entry: &LedgerEntry, reason: &str, seen: &mut Seen) {
        let recovery = self.shared.going().rules.recovery();
        let limit = SignedDuration::try_from(recovery.limit.get()).unwrap_or(SignedDuration::MAX);
        let is_late = Timestamp::now().duration_since(entry.at) > limit;
        if !is_late || !seen.late.insert(entry.kill.clone()) {
            return;
        }
        let limit = recovery.limit;
        self.shared.metrics.late.inc();
        self.shared.teller.is_late(entry, reason);
        if recovery.halt {
            let why = format!("{} is not whole within {limit}: {reason}", entry.owner);
            let client = &self.shared.connection.client;
            let halted = halt::switch_on(client, &self.shared.namespace, &why, "the agent").await;
            match halted {
                Ok(()) => self.shared.teller.is_halted(&entry.owner, &why),
                Err(error) => {
                    // It is tried again at the next look.
                    seen.late.remove(&entry.kill);
                    tracing::error!(%error, "the halt could not be switched on");
                }
            }
        }
    }

    /// Takes away old records, but for those that the ledger holds.
    pub(super) async fn prune(&self) -> Result<(), ClusterError> {
        if !self.shared.election.is_leader() {
            return Ok(());
        }
        if let Some(distrust) = clock::distrust(&self.shared.connection.client).await? {
            tracing::warn!(distrust, "nobody knows which records are old");
            return Ok(());
        }
        let ledger = self.shared.ledger().get().await?;
        let kills = ledger.iter().flat_map(|it| &it.spec().kills);
        let held: BTreeSet<&str> = kills.map(|entry| entry.kill.as_str()).collect();
        let records = Records::new(
            self.shared.connection.client.clone(),
            &self.shared.namespace,
        );
        let now = Timestamp::now();
        for record in records.all().await? {
            let is_old = now.duration_since(record.spec.at) > KEPT_FOR;
            if let (true, Some(name)) = (is_old, &record.metadata.name)
                && !held.contains(name.as_str())
            {
                records.delete(name).await?;
            }
        }
        Ok(())
    }
}

impl Seen {
    /// Knows these kills from now on, and no others any more.
    fn keep(&mut self, open: &[&LedgerEntry]) {
        let names: BTreeSet<&str> = open.iter().map(|entry| entry.kill.as_str()).collect();
        self.since.retain(|kill, _| names.contains(kill.as_str()));
        self.looked_at.retain(|kill| names.contains(kill.as_str()));
        self.late.retain(|kill| names.contains(kill.as_str()));
        for kill in names {
            self.since
                .entry(kill.to_owned())
                .or_insert_with(Instant::now);
        }
    }
}

#[cfg(test)]
mod tests;
