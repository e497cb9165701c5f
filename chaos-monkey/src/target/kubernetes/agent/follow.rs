//! Follows kills until their owners are whole again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{Shared, metrics};
use crate::agent::ledger;
use crate::schema::LedgerEntry;
use crate::target::kubernetes::recovery::{Standing, follow};
use crate::target::kubernetes::{ClusterError, Records, halt};

/// How often open kills are looked at. Without one nothing is asked of the cluster.
const EVERY: Duration = Duration::from_secs(1);

/// How long a record is kept at least.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Follows kills.
pub(super) struct Follower {
    shared: Arc<Shared>,
    news: Notify,
}

/// What is known of open kills, by their names.
#[derive(Default)]
struct Known {
    /// Those that were looked at.
    seen: BTreeSet<String>,
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
        let mut known = Known::default();
        loop {
            self.news.notified().await;
            if let Err(error) = self.prune().await {
                tracing::warn!(%error, "old records could not be taken away");
            }
            while self.shared.election.is_leader() {
                match self.round(&mut known).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "open kills could not be looked at"),
                }
                sleep(EVERY).await;
            }
        }
    }

    /// Looks at each open kill once; says how many there are still.
    async fn round(&self, known: &mut Known) -> Result<usize, ClusterError> {
        let Some(ledger) = self.shared.ledger().get().await? else {
            return Ok(0);
        };
        let open: Vec<&LedgerEntry> = ledger
            .spec()
            .kills
            .iter()
            .filter(|entry| !entry.is_whole)
            .collect();
        let mut left = 0;
        for entry in open {
            let is_first_look = known.seen.insert(entry.kill.clone());
            let (connection, namespace) = (&self.shared.connection, &self.shared.namespace);
            match follow(connection, namespace, entry, is_first_look).await? {
                Standing::NotSent => {}
                Standing::UnderWay => left += 1,
                Standing::Whole { seconds } => {
                    if !is_first_look {
                        self.shared.metrics.recovery_seconds.observe(seconds);
                    }
                    self.shared.teller.is_whole(entry, seconds);
                    known.seen.remove(&entry.kill);
                    known.late.remove(&entry.kill);
                }
                Standing::NotWhole(reason) => {
                    left += 1;
                    self.on_late(entry, &reason, known).await;
                }
            }
        }
        self.shared.metrics.open_kills.set(metrics::number(left));
        Ok(left)
    }

    /// Tells once of an owner that is not whole within its limit, and halts if that is wanted.
    async fn on_late(&self, entry: &LedgerEntry, reason: &str, known: &mut Known) {
        let recovery = self.shared.going().rules.recovery();
        let limit = SignedDuration::try_from(recovery.limit.get()).unwrap_or(SignedDuration::MAX);
        let is_late = Timestamp::now().duration_since(entry.at) > limit;
        if !is_late || !known.late.insert(entry.kill.clone()) {
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
                Err(error) => tracing::error!(%error, "the halt could not be switched on"),
            }
        }
    }

    /// Takes away records that no guard counts any more.
    async fn prune(&self) -> Result<(), ClusterError> {
        if !self.shared.election.is_leader() {
            return Ok(());
        }
        let kept_for = ledger::window(&self.shared.going().rules).max(KEPT_FOR);
        let records = Records::new(
            self.shared.connection.client.clone(),
            &self.shared.namespace,
        );
        let now = Timestamp::now();
        for record in records.all().await? {
            let is_open = record.status.as_ref().is_none_or(|it| it.outcome.is_none());
            let is_old = now.duration_since(record.spec.at) > kept_for;
            if let (true, false, Some(name)) = (is_old, is_open, &record.metadata.name) {
                records.delete(name).await?;
            }
        }
        Ok(())
    }
}
