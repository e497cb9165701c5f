//! What is written into the status of a game day, and told of it as an event.

use jiff::Timestamp;
use kube::Client;

use super::board::Noticed;
use super::store::{ReadDay, Store};
use super::{AGAIN_AFTER, Came};
use crate::schema::{GameDayPhase, GameDayStatus, GameDayVerdict};
use crate::target::kubernetes::ClusterError;
use crate::target::kubernetes::agent::events::Events;
use crate::verdict::Outcome;

/// Writes what is said of game days.
pub(super) struct Scribe {
    store: Store,
    events: Events,
    /// The name of the agent.
    agent: String,
}

impl Scribe {
    /// For one copy of an agent.
    pub(super) fn new(client: &Client, agent: &str, copy: &str) -> Self {
        Self {
            store: Store::new(client.clone()),
            events: Events::new(client.clone(), copy),
            agent: agent.to_owned(),
        }
    }

    /// Tells that a game day begins.
    pub(super) async fn begins(&self, day: &ReadDay) {
        let note = format!("begun by the agent `{}`", self.agent);
        self.tell(day, true, "ChaosGameDayBegan", &note).await;
    }

    /// Says how a game day has ended, unless it is gone or somebody else has said so already.
    pub(super) async fn end(
        &self,
        noticed: &Noticed,
        status: &GameDayStatus,
    ) -> Result<(), ClusterError> {
        let Some(day) = self.store.get(&noticed.namespace, &noticed.name).await? else {
            return Ok(());
        };
        let before = day.status.clone().unwrap_or_default();
        let is_own = before.copy == status.copy && day.uid == noticed.uid;
        if !is_own || before.phase.is_some_and(GameDayPhase::is_over) {
            return Ok(());
        }
        self.store.write(&day, status).await?;
        let reason = status.reason.clone().unwrap_or_default();
        let verdict = status.verdict.clone().unwrap_or_default();
        let outcome = verdict.outcome.as_str();
        let is_well = outcome == Outcome::Passed.as_str();
        let note = if reason.is_empty() {
            format!("{outcome}: {}", verdict.proof.unwrap_or_default())
        } else {
            format!("{outcome}: {reason}")
        };
        self.tell(&day, is_well, "ChaosGameDayFinished", &note)
            .await;
        Ok(())
    }

    /// Says why an agent runs it for nobody.
    pub(super) async fn refuse(
        &self,
        day: &ReadDay,
        reasons: Vec<String>,
    ) -> Result<Came, ClusterError> {
        let note = reasons.join("; ");
        let status = GameDayStatus {
            phase: Some(GameDayPhase::Refused),
            reason: reasons.first().cloned(),
            reasons: Some(reasons),
            observed_generation: day.generation,
            agent: Some(self.agent.clone()),
            ended: Some(Timestamp::now()),
            ..GameDayStatus::default()
        };
        tracing::warn!(
            game_day = day.shown(),
            reasons = note,
            "a game day is refused"
        );
        self.settle(day, &status, "ChaosGameDayRefused", &note)
            .await
    }

    /// Says why nobody can know any more how it would have ended.
    pub(super) async fn inconclusive(
        &self,
        day: &ReadDay,
        before: GameDayStatus,
        reason: String,
    ) -> Result<Came, ClusterError> {
        tracing::warn!(game_day = day.shown(), reason, "a game day is inconclusive");
        let outcome = Outcome::Inconclusive.as_str().to_owned();
        let status = GameDayStatus {
            phase: Some(GameDayPhase::Finished),
            reason: Some(reason.clone()),
            reasons: Some(vec![reason.clone()]),
            ended: Some(Timestamp::now()),
            verdict: Some(GameDayVerdict {
                outcome,
                proof: None,
            }),
            ..before
        };
        let note = format!("inconclusive: {reason}");
        self.settle(day, &status, "ChaosGameDayFinished", &note)
            .await
    }

    /// Writes the last that is said of a game day.
    async fn settle(
        &self,
        day: &ReadDay,
        status: &GameDayStatus,
        word: &'static str,
        note: &str,
    ) -> Result<Came, ClusterError> {
        match self.store.write(day, status).await {
            Ok(()) => {
                self.tell(day, false, word, note).await;
                Ok(Came::Over)
            }
            Err(error) if error.is_conflict() => Ok(Came::Again(AGAIN_AFTER)),
            Err(error) => Err(error),
        }
    }

    /// Says why a game day waits, unless somebody has said why already.
    pub(super) async fn wait(
        &self,
        day: &ReadDay,
        before: &GameDayStatus,
        reason: String,
    ) -> Result<(), ClusterError> {
        let is_others = before.agent.as_ref().is_some_and(|it| *it != self.agent);
        let reason = Some(reason);
        if is_others || before.reason == reason {
            return Ok(());
        }
        let status = GameDayStatus {
            phase: Some(GameDayPhase::Pending),
            reason,
            observed_generation: day.generation,
            agent: Some(self.agent.clone()),
            ..GameDayStatus::default()
        };
        match self.store.write(day, &status).await {
            // It is looked at again anyway, since it has changed.
            Err(error) if error.is_conflict() => Ok(()),
            written => written,
        }
    }

    async fn tell(&self, day: &ReadDay, is_well: bool, word: &'static str, note: &str) {
        let about = day.reference();
        self.events.about(about, is_well, word, note).await;
    }
}
