//! Tells of kills: in the log at once, then by Events of Kubernetes and by webhooks. Nobody waits
//! for either of them.

use jiff::Timestamp;
use kube::Client;
use parking_lot::Mutex;
use prometheus::IntCounterVec;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;

use super::events::Events;
use crate::agent::cluster::{OwnerName, Pod};
use crate::agent::news::{NamedPod, News};
use crate::agent::workload::Misread;
use crate::schema::{KillOutcome, LedgerEntry, Topic, Webhook};
use crate::target::kubernetes::Told;
use crate::target::kubernetes::webhook::Hook;

/// How much news waits to become Events; what comes on top of it is left.
const QUEUE: usize = 1_000;

/// Tells of kills.
pub(super) struct Teller {
    agent: String,
    sinks: Mutex<Sinks>,
}

/// Where news goes.
struct Sinks {
    events: Option<Sender<News>>,
    webhooks: Vec<Hook>,
    delivering: JoinSet<()>,
}

impl Teller {
    pub(super) fn new(client: Client, agent: &str, identity: &str) -> Self {
        let (events, news) = channel(QUEUE);
        let mut delivering = JoinSet::new();
        delivering.spawn(Events::new(client, identity).publish_all(news));
        Self {
            agent: agent.to_owned(),
            sinks: Mutex::new(Sinks {
                events: Some(events),
                webhooks: Vec::new(),
                delivering,
            }),
        }
    }

    /// Serves these webhooks from now on. What waits for others is still delivered.
    pub(in crate::target::kubernetes) fn serve(
        &self,
        webhooks: &[Webhook],
        results: &IntCounterVec,
    ) {
        let Sinks {
            webhooks: hooks,
            delivering,
            ..
        } = &mut *self.sinks.lock();
        // Those that have ended are taken away.
        while delivering.try_join_next().is_some() {}
        let serve = |webhook| Hook::serve(webhook, results, delivering);
        *hooks = webhooks.iter().map(serve).collect();
    }

    /// Delivers what waits, and tells nothing more.
    pub(super) async fn finish(&self) {
        let delivering = {
            let mut sinks = self.sinks.lock();
            sinks.events = None;
            sinks.webhooks = Vec::new();
            std::mem::take(&mut sinks.delivering)
        };
        delivering.join_all().await;
    }

    /// Tells what became of a kill; only in the log if nothing was sent.
    pub(super) fn told(&self, owner: &OwnerName, pod: &Pod, told: &Told) {
        let name = &pod.name;
        let (outcome, reason) = match told {
            Told::Vetoed(veto) => {
                tracing::info!(%owner, pod = name, by = veto.by, reason = veto.reason, "not killed");
                return;
            }
            Told::WouldKill => {
                tracing::info!(%owner, pod = name, "would be killed (dry run)");
                return;
            }
            Told::OnRecord => {
                tracing::info!(%owner, pod = name, "it is on record already");
                return;
            }
            Told::Done { outcome, reason } => (*outcome, reason.as_deref().unwrap_or_default()),
        };
        tracing::info!(%owner, pod = name, outcome = outcome.as_str(), reason, "a kill");
        let topic = match outcome {
            KillOutcome::Killed => Topic::Killed,
            KillOutcome::Refused => Topic::Refused,
            KillOutcome::Unknown => Topic::Unknown,
            KillOutcome::NotSent => return,
        };
        self.tell(topic, owner, Some(NamedPod::of(pod)), reason);
    }

    /// Tells that an owner is whole again.
    pub(super) fn is_whole(&self, entry: &LedgerEntry, seconds: f64) {
        let (kill, owner) = (&entry.kill, &entry.owner);
        tracing::info!(kill, %owner, seconds, "whole again");
        let reason = format!("it took {seconds:.1} s");
        self.tell(Topic::Whole, owner, Some(victim(entry)), &reason);
    }

    /// Tells, in the log alone, that a victim lives of which that was not known.
    pub(super) fn has_survived(entry: &LedgerEntry) {
        let (kill, owner, pod) = (&entry.kill, &entry.owner, &entry.pod);
        tracing::warn!(kill, %owner, pod, "the pod lives: the kill counts, and nobody waits for it");
    }

    /// Tells that an owner is not whole within its limit.
    pub(super) fn is_late(&self, entry: &LedgerEntry, reason: &str) {
        let (kill, owner) = (&entry.kill, &entry.owner);
        tracing::error!(kill, %owner, reason, "not whole within its limit");
        self.tell(Topic::NotWhole, owner, Some(victim(entry)), reason);
    }

    /// Tells that everything is halted because of an owner.
    pub(super) fn is_halted(&self, owner: &OwnerName, reason: &str) {
        tracing::error!(%owner, reason, "everything is halted");
        self.tell(Topic::Halted, owner, None, reason);
    }

    /// Tells that an owner is left alone until its annotations are understood.
    pub(super) fn is_misread(&self, owner: &OwnerName, misread: &Misread) {
        tracing::warn!(%owner, %misread, "left alone until its annotations are understood");
        self.tell(Topic::Misread, owner, None, &misread.to_string());
    }

    pub(super) fn tell(
        &self,
        topic: Topic,
        owner: &OwnerName,
        pod: Option<NamedPod>,
        reason: &str,
    ) {
        let news = News {
            topic,
            agent: self.agent.clone(),
            owner: owner.clone(),
            pod,
            reason: reason.to_owned(),
            at: Timestamp::now(),
        };
        let sinks = self.sinks.lock();
        for webhook in &sinks.webhooks {
            webhook.tell(&news);
        }
        if let Some(events) = &sinks.events
            && events.try_send(news).is_err()
        {
            tracing::warn!("too many Events wait to be written: this one is left");
        }
    }
}

fn victim(entry: &LedgerEntry) -> NamedPod {
    NamedPod {
        name: entry.pod.clone(),
        uid: entry.pod_uid.clone(),
    }
}
