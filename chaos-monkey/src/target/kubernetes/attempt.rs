//! One kill, from the reading of what decides to the record of what became of it.
//!
//! `compare clocks → read → filters and guards → reserve in the ledger → write the record → read again → filters
//! and guards again → the halt switches → send → complete`. Whatever goes wrong before something is
//! sent means that nothing is sent.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::connection::{ANSWER_LIMIT, ClusterError, Connection};
use super::find::Found;
use super::fresh::Fresh;
use super::ledger::LedgerStore;
use super::look::Look;
use super::record::Records;
use super::{clock, halt, lease, outage, send};
use crate::agent::check::Check;
use crate::agent::cluster::{OwnerName, Pod};
use crate::agent::filter::{self, Candidate};
use crate::agent::guard::{self, Halt, Leadership, Overall, Veto};
use crate::agent::workload::Narrowing;
use crate::agent::{Rules, ledger};
use crate::schema::{KillMethod, KillOutcome, KillSpec, LedgerEntry};

/// How old what was read may be when something is sent.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// How old the reading of the halt switches may be when something is sent.
const HALT_READ_FOR: Duration = Duration::from_millis(500);

/// How often a reservation that collides with that of another agent is tried.
const RESERVATIONS: u32 = 5;

/// Who kills, and by which rules.
#[derive(Clone)]
pub struct Killer {
    /// The cluster.
    pub connection: Connection,
    /// The namespace in which it keeps its records.
    pub namespace: String,
    /// The name of the agent, for records.
    pub agent: String,
    /// Whether nothing is sent and nothing is written.
    pub is_dry_run: bool,
}

/// A kill that is asked for.
#[derive(Debug, Clone)]
pub struct Wanted<'names> {
    /// Whose pod.
    pub owner: &'names OwnerName,
    /// The identity of the pod.
    pub pod_uid: &'names str,
    /// The occasion.
    pub occasion: &'names str,
    /// The name of its record.
    pub kill: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A filter or a guard said no; nothing was sent.
    Vetoed(Veto),
    /// It would have been killed, if this were not a dry run.
    WouldKill,
    /// There is a kill of this name already, of another copy or from before a clock was set back.
    OnRecord,
    /// Something was sent, or could not be sent any more; the record says the same.
    Done {
        /// What became of it.
        outcome: KillOutcome,
        /// Why.
        reason: Option<String>,
    },
}

/// The pods of an owner, by what the filters say.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// Those that pass.
    pub pods: Vec<Pod>,
    /// Those that do not, each with the first no.
    pub refused: Vec<(String, Veto)>,
    /// What the owner says about how it is killed from.
    pub narrowing: Narrowing,
}

/// For how long who kills leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    /// Until this moment.
    Until(Instant),
    /// It does not lead.
    Not,
    /// It need not: somebody kills by hand.
    NotNeeded,
}

/// What says for how long who kills leads, at each moment.
pub type LeadsNow<'lease> = &'lease (dyn Fn() -> Leads + Send + Sync);

impl Killer {
    /// Tries to kill a pod.
    ///
    /// # Errors
    ///
    /// What decides could not be read or written; nothing was sent.
    pub async fn kill(
        &self,
        rules: &Rules,
        wanted: &Wanted<'_>,
        leads: LeadsNow<'_>,
    ) -> Result<Told, ClusterError> {
        let store = LedgerStore::new(self.connection.client.clone(), &self.namespace);
        let records = Records::new(self.connection.client.clone(), &self.namespace);
        let (entry, deadline) = match Box::pin(self.reserve(rules, wanted, leads, &store)).await? {
            Ok(reserved) => reserved,
            Err(told) => return Ok(told),
        };
        let spec = KillSpec {
            agent: self.agent.clone(),
            at: entry.at,
            not_after: entry.not_after,
            owner: entry.owner.clone(),
            pod: entry.pod.clone(),
            pod_uid: entry.pod_uid.clone(),
            method: word(rules.method()).to_owned(),
        };
        if let Err(error) = records.create(&wanted.kill, spec).await {
            // Nothing was sent, so that the reservation is free. Without a no there may be an open
            // record now: both stay, until they are settled together.
            if error.is_proven_no() {
                settle(&store, &entry, KillOutcome::NotSent).await;
            }
            if error.is_conflict() {
                return Ok(Told::OnRecord);
            }
            return Err(error);
        }
        let sending = self.send(rules, wanted, leads, &store, &entry, deadline);
        let told = Box::pin(sending).await;
        let (outcome, reason) = match &told {
            Ok(Told::Done { outcome, reason }) => (*outcome, reason.clone()),
            Ok(Told::Vetoed(veto)) => (KillOutcome::NotSent, Some(veto.to_string())),
            Ok(Told::WouldKill | Told::OnRecord) => (KillOutcome::NotSent, None),
            Err(error) => (KillOutcome::NotSent, Some(error.to_string())),
        };
        match records.complete(&wanted.kill, outcome, reason).await {
            Ok(()) => settle(&store, &entry, outcome).await,
            // It stays open in the ledger, too, so that both are settled together.
            Err(error) => {
                tracing::warn!(kill = wanted.kill, %error, "the record could not be completed");
            }
        }
        told
    }

    /// What forbids every kill now, whoever the victim would be: a few requests instead of those
    /// of every owner.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn veto_of_all(
        &self,
        rules: &Rules,
        leads: LeadsNow<'_>,
    ) -> Result<Option<Veto>, ClusterError> {
        let store = LedgerStore::new(self.connection.client.clone(), &self.namespace);
        let (ledger, halts, outage) =
            tokio::join!(store.get(), self.halts(&self.namespace), self.outage(rules),);
        let now = Timestamp::now();
        let mut ledger = ledger?;
        if let Some(ledger) = &mut ledger {
            ledger::prune(ledger.spec_mut(), rules, now);
        }
        let overall = Overall {
            now,
            halts: halts.as_deref().map_err(String::as_str),
            leadership: leadership(leads()),
            ledger: ledger.as_ref().map_or(&[][..], |it| &it.spec().kills),
            occasion: "",
            outage: outage.as_deref(),
        };
        Ok(guard::veto_of_all(rules, &overall))
    }

    /// The pods of an owner that pass all filters, in the order of their names, and how many each
    /// filter has refused; `None` where the owner is no more.
    ///
    /// # Errors
    ///
    /// The cluster refuses or is too slow.
    pub async fn candidates(
        &self,
        rules: &Rules,
        owner: &OwnerName,
    ) -> Result<Option<Candidates>, ClusterError> {
        let Some(fresh) = Fresh::read(&self.connection.client, owner).await? else {
            return Ok(None);
        };
        let mut candidates = Candidates {
            // One that is not understood does not pass the filters.
            narrowing: Narrowing::of(&fresh.owner, rules).unwrap_or_default(),
            ..Candidates::default()
        };
        for pod in &fresh.pods {
            let candidate = Candidate {
                pod,
                owner: Some(&fresh.owner),
                namespace: Some(&fresh.namespace),
                now: Timestamp::now(),
            };
            match filter::first_veto(rules, &candidate) {
                Some(veto) => candidates.refused.push((pod.name.clone(), veto)),
                None => candidates.pods.push(pod.clone()),
            }
        }
        Ok(Some(candidates))
    }

    /// What each filter and each guard says of a pod now, and which copy of the agent leads. It is
    /// the one that kills, and not whoever asks.
    ///
    /// # Errors
    ///
    /// The pod is gone, or the cluster refuses or is too slow.
    pub async fn explain(
        &self,
        rules: &Rules,
        found: &Found,
        owner: &OwnerName,
    ) -> Result<(Vec<Check>, Option<String>), ClusterError> {
        let client = &self.connection.client;
        let store = LedgerStore::new(client.clone(), &self.namespace);
        let ledger = store.get().await?;
        let entries = ledger.as_ref().map_or(&[][..], |it| &it.spec().kills);
        let wanted = Wanted {
            owner,
            pod_uid: &found.pod.uid,
            occasion: "",
            kill: String::new(),
        };
        let leader = lease::leader(client, &self.namespace, &self.agent).await;
        let look = self.look(rules, wanted.owner, &|| Leads::NotNeeded).await?;
        let mut checks = match look
            .as_ref()
            .and_then(|it| Some((it, it.victim(wanted.pod_uid)?)))
        {
            Some((look, victim)) => look.checks(rules, &wanted, victim, entries),
            None => {
                return Err(ClusterError::Refused {
                    what: format!("get pod {}", found.shown()),
                    why: "it has just gone".to_owned(),
                    code: 404,
                });
            }
        };
        let (leader, refusal) = match leader {
            Ok(Some(leader)) => (Some(leader), None),
            Ok(None) => (None, Some(format!("no copy of `{}` leads", self.agent))),
            Err(error) => (None, Some(error.to_string())),
        };
        for check in checks.iter_mut().filter(|it| it.name == "leadership") {
            check.refusal.clone_from(&refusal);
        }
        Ok((checks, leader))
    }

    /// Asks filters and guards, and reserves the kill in the ledger; after a collision with another
    /// agent all of it anew.
    async fn reserve(
        &self,
        rules: &Rules,
        wanted: &Wanted<'_>,
        leads: LeadsNow<'_>,
        store: &LedgerStore,
    ) -> Result<Result<(LedgerEntry, Instant), Told>, ClusterError> {
        // What a clock that is days ahead forgets would be forgotten for all agents.
        if let Some(reason) = clock::distrust(&self.connection.client).await? {
            let by = "clock";
            return Ok(Err(Told::Vetoed(Veto { by, reason })));
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let mut before = if self.is_dry_run {
                store.get().await?
            } else {
                Some(store.read().await?)
            };
            if let Some(ledger) = &mut before {
                ledger::prune(ledger.spec_mut(), rules, Timestamp::now());
            }
            let entries = before.as_ref().map_or(&[][..], |it| &it.spec().kills);
            if entries.iter().any(|entry| entry.kill == wanted.kill) {
                return Ok(Err(Told::OnRecord));
            }
            let Some(look) = self.look(rules, wanted.owner, leads).await? else {
                return Ok(Err(gone(wanted)));
            };
            let Some(victim) = look.victim(wanted.pod_uid) else {
                return Ok(Err(gone(wanted)));
            };
            let now = Timestamp::now();
            if let Some(veto) = look.veto(rules, wanted, victim, entries) {
                return Ok(Err(Told::Vetoed(veto)));
            }
            if self.is_dry_run {
                return Ok(Err(Told::WouldKill));
            }
            let Some(mut ledger) = before else { continue };
            let left = time_left(leads());
            let deadline = Instant::now() + left;
            let entry = LedgerEntry {
                kill: wanted.kill.clone(),
                agent: self.agent.clone(),
                occasion: wanted.occasion.to_owned(),
                owner: wanted.owner.clone(),
                pod: victim.name.clone(),
                pod_uid: victim.uid.clone(),
                at: now,
                not_after: now.checked_add(left).unwrap_or(now),
                outcome: None,
                is_whole: false,
            };
            ledger.spec_mut().kills.push(entry.clone());
            match store.replace(ledger).await {
                Ok(_) => return Ok(Ok((entry, deadline))),
                Err(error) if error.is_conflict() && tries < RESERVATIONS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads everything once more, asks once more, and sends.
    async fn send(
        &self,
        rules: &Rules,
        wanted: &Wanted<'_>,
        leads: LeadsNow<'_>,
        store: &LedgerStore,
        own: &LedgerEntry,
        deadline: Instant,
    ) -> Result<Told, ClusterError> {
        let outage = self.outage(rules).await;
        let mut ledger = store.read().await?;
        ledger::prune(ledger.spec_mut(), rules, Timestamp::now());
        let is_own = |it: &LedgerEntry| it.kill == own.kill && it.outcome.is_none();
        if !ledger.spec().kills.iter().any(is_own) {
            return Ok(not_sent("its reservation was settled by somebody else"));
        }
        let others: Vec<LedgerEntry> = ledger
            .spec()
            .kills
            .iter()
            .filter(|it| it.kill != wanted.kill)
            .cloned()
            .collect();
        let client = &self.connection.client;
        let Some(mut fresh) = Fresh::read(client, wanted.owner).await? else {
            return Ok(gone(wanted));
        };
        // The pods of a large owner come in many pages.
        if fresh.asked.elapsed() > FRESH_FOR / 2
            && !fresh.renew(client, wanted.owner, &own.pod).await?
        {
            return Ok(gone(wanted));
        }
        let halt_asked = Instant::now();
        let look = Look {
            fresh,
            outage,
            halts: self.halts(&wanted.owner.namespace).await,
            leadership: leadership(leads()),
        };
        let Some(victim) = look.victim(wanted.pod_uid) else {
            return Ok(gone(wanted));
        };
        if let Some(veto) = look.veto(rules, wanted, victim, &others) {
            return Ok(Told::Vetoed(veto));
        }
        let now = Instant::now();
        let is_fresh_until = look.fresh.asked + FRESH_FOR;
        let halt_is_known_until = halt_asked + HALT_READ_FOR;
        // By both clocks: one can be set, and the other one stands still while a machine sleeps.
        let has_time =
            now + ANSWER_LIMIT <= deadline && Timestamp::now() + ANSWER_LIMIT <= own.not_after;
        if now > is_fresh_until {
            return Ok(not_sent(
                "what was read of the pod is more than a second old",
            ));
        }
        if now > halt_is_known_until {
            return Ok(not_sent(
                "the halt switches were read more than half a second ago",
            ));
        }
        if !has_time {
            return Ok(not_sent(
                "there is no time left in which an answer could come",
            ));
        }
        let until = is_fresh_until.min(halt_is_known_until);
        let sent = send::kill(client, rules.method(), victim, until).await;
        Ok(Told::Done {
            outcome: sent.outcome,
            reason: sent.reason,
        })
    }

    /// Everything that decides about an owner, read afresh; `None` where it is no more.
    async fn look(
        &self,
        rules: &Rules,
        owner: &OwnerName,
        leads: LeadsNow<'_>,
    ) -> Result<Option<Look>, ClusterError> {
        let (fresh, halts, outage) = tokio::join!(
            Fresh::read(&self.connection.client, owner),
            self.halts(&owner.namespace),
            self.outage(rules),
        );
        let leadership = leadership(leads());
        Ok(fresh?.map(|fresh| Look {
            fresh,
            halts,
            outage,
            leadership,
        }))
    }

    async fn halts(&self, namespace: &str) -> Result<Vec<Halt>, String> {
        let mut namespaces = vec![self.namespace.as_str(), namespace];
        namespaces.dedup();
        let halts = halt::read(&self.connection.client, &namespaces).await;
        halts.map_err(|error| error.to_string())
    }

    async fn outage(&self, rules: &Rules) -> Option<String> {
        match &rules.guards().outage {
            Some(probe) => outage::ask(probe).await,
            None => None,
        }
    }
}

fn gone(wanted: &Wanted<'_>) -> Told {
    Told::Vetoed(Veto {
        by: "state",
        reason: format!("the pod is no more one of {}", wanted.owner),
    })
}

fn not_sent(reason: &str) -> Told {
    Told::Done {
        outcome: KillOutcome::NotSent,
        reason: Some(reason.to_owned()),
    }
}

/// Writes into the ledger what became of a kill. Where that fails it stays open, and counts until
/// it is settled by what became of the pod.
async fn settle(store: &LedgerStore, entry: &LedgerEntry, outcome: KillOutcome) {
    let settled = store.change(|it| ledger::settle(it, entry, outcome)).await;
    if let Err(error) = settled {
        tracing::warn!(kill = entry.kill, %error, "the ledger could not be settled");
    }
}

/// Whether who kills leads for long enough to have an answer.
fn leadership(leads: Leads) -> Leadership {
    match leads {
        Leads::NotNeeded => Leadership::NotNeeded,
        Leads::Until(until) if until > Instant::now() + ANSWER_LIMIT => Leadership::Held,
        Leads::Until(_) | Leads::Not => Leadership::Lost,
    }
}

/// How long something may be sent for a kill: at the longest until leadership ends.
fn time_left(leads: Leads) -> Duration {
    /// As long as the slowest kill takes: each of its readings and its request up to the limit.
    const LONGEST: Duration = Duration::from_secs(30);
    match leads {
        Leads::NotNeeded => LONGEST,
        Leads::Until(until) => until.saturating_duration_since(Instant::now()).min(LONGEST),
        Leads::Not => Duration::ZERO,
    }
}

/// The word for a method in a record.
const fn word(method: KillMethod) -> &'static str {
    match method {
        KillMethod::Evict => "evict",
        KillMethod::Delete(_) => "delete",
        KillMethod::DeleteNow => "deleteNow",
    }
}

#[cfg(test)]
mod tests;
