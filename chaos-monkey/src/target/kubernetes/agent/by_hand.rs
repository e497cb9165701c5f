//! Tells of kills by hand as the agent tells of its own.

use std::time::Duration;

use prometheus::IntCounterVec;
use tokio::time::timeout;

use super::metrics;
use super::tell::Teller;
use crate::agent::cluster::{OwnerName, Pod};
use crate::agent::news::NamedPod;
use crate::schema::{KillRecovery, Topic, Webhook};
use crate::target::kubernetes::{BY_HAND, ClusterError, Connection, Killer, Told, halt};

/// How long whoever kills waits for it.
const LIMIT: Duration = Duration::from_secs(5);

/// Tells of kills by hand.
pub struct HandTeller {
    teller: Teller,
    results: IntCounterVec,
    webhooks: Vec<String>,
}

impl HandTeller {
    /// Tells by Events and by these webhooks.
    ///
    /// # Errors
    ///
    /// What is delivered cannot be counted.
    pub fn new(connection: &Connection, webhooks: &[Webhook]) -> prometheus::Result<Self> {
        let teller = Teller::new(connection.client.clone(), BY_HAND, BY_HAND);
        let results = metrics::webhooks()?;
        teller.serve(webhooks, &results);
        Ok(Self {
            teller,
            results,
            webhooks: webhooks.iter().map(|it| it.name.clone()).collect(),
        })
    }

    /// Tells what became of it.
    pub fn told(&self, owner: &OwnerName, pod: &Pod, told: &Told) {
        self.teller.told(owner, pod, told);
    }

    /// Tells that the owner is whole again.
    pub fn is_whole(&self, owner: &OwnerName, pod: &Pod, seconds: f64) {
        let reason = format!("it took {seconds:.1} s");
        self.tell(Topic::Whole, owner, pod, &reason);
    }

    /// Tells that the owner is not whole within its limit, and halts everything if that is wanted.
    ///
    /// # Errors
    ///
    /// The halt could not be switched on.
    pub async fn is_late(
        &self,
        killer: &Killer,
        recovery: KillRecovery,
        owner: &OwnerName,
        pod: &Pod,
    ) -> Result<(), ClusterError> {
        let limit = recovery.limit;
        self.tell(Topic::NotWhole, owner, pod, &format!("not within {limit}"));
        if recovery.halt {
            let why = format!("{owner} is not whole within {limit}");
            let client = &killer.connection.client;
            halt::switch_on(client, &killer.namespace, &why, BY_HAND).await?;
            self.teller.is_halted(owner, &why);
        }
        Ok(())
    }

    fn tell(&self, topic: Topic, owner: &OwnerName, pod: &Pod, reason: &str) {
        self.teller
            .tell(topic, owner, Some(NamedPod::of(pod)), reason);
    }

    /// Waits until all of it is delivered, and names the webhooks that could not be told.
    pub async fn finish(&self) -> Vec<String> {
        let is_finished = timeout(LIMIT, self.teller.finish()).await.is_ok();
        let count = |name: &str, result| self.results.with_label_values(&[name, result]).get();
        let mut webhooks = self.webhooks.clone();
        webhooks.retain(|name| {
            let has_failed = count(name, "failed") > 0;
            has_failed || (!is_finished && count(name, "delivered") == 0)
        });
        webhooks
    }
}

#[cfg(test)]
mod tests;
