//! What is due at each moment, and the kills that come of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::follow::Follower;
use super::{Going, Shared, metrics};
use crate::agent::NameHash;
use crate::agent::cluster::{OwnerName, Pod};
use crate::agent::timetable::{Pick, Tick, Timetable};
use crate::agent::workload::Misread;
use crate::schema::KillOutcome;
use crate::target::kubernetes::{ClusterError, Killer, Told, Wanted};

/// How late something may be that is due. What is later is never made up.
const LATEST: SignedDuration = SignedDuration::from_secs(60);

/// How many owners are asked at one moment until one has a pod that may be killed.
const ASKED_AT_ONCE: usize = 50;

/// Guards whose no holds for every owner alike.
const OF_ALL: [&str; 5] = ["enabled", "leadership", "open-kills", "outage", "schedule"];

/// Does what is due.
pub(super) struct Worker {
    shared: Arc<Shared>,
    follower: Arc<Follower>,
    looked_at: Timestamp,
    was_leader: bool,
    /// The owners of which was told that nobody understands what they say.
    misread: BTreeMap<OwnerName, Misread>,
}

/// What came of asking one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// None of its pods passes the filters, or a guard said no for it alone.
    Nothing,
    /// A guard said no for everybody.
    NothingAtAll,
    /// Something was killed, or would have been, or may have been.
    Something,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, follower: Arc<Follower>) -> Self {
        Self {
            shared,
            follower,
            looked_at: Timestamp::now(),
            was_leader: false,
            misread: BTreeMap::new(),
        }
    }

    /// Does what has become due since it looked last.
    pub(super) async fn look(&mut self) {
        let now = Timestamp::now();
        let after = self.looked_at.max(now - LATEST).min(now);
        self.looked_at = now;
        let is_leader = self.shared.election.is_leader();
        self.shared.metrics.leads.set(i64::from(is_leader));
        if is_leader && !self.was_leader {
            self.follower.look_at_the_ledger();
        }
        self.was_leader = is_leader;
        let going = self.shared.going();
        self.shared
            .metrics
            .pods
            .set(metrics::number(going.watches.pod_count()));
        if !is_leader || !going.watches.is_complete() {
            return;
        }
        let calendar = going.rules.calendar();
        let day = now.to_zoned(calendar.zone().clone()).date();
        let timetable = Timetable::of(&going.rules, going.seed, day);
        let ticks: Vec<Tick> = timetable.ticks();
        let ticks = ticks
            .iter()
            .filter(|tick| tick.at > after && tick.at <= now);
        for tick in ticks {
            self.on_tick(&going, &timetable, tick).await;
        }
        // On their own owners are due only at full minutes.
        if after.as_second() / 60 == now.as_second() / 60 {
            return;
        }
        let proposals = going.watches.proposals();
        self.shared
            .metrics
            .owners
            .set(metrics::number(proposals.len()));
        self.tell_of_misread(going.watches.misread());
        for (at, owner, pick) in timetable.due(&proposals, after, now) {
            self.ask(&going, &timetable, owner, at, pick).await;
        }
    }

    /// Tells once of each owner whose annotations forbid it until they are understood.
    fn tell_of_misread(&mut self, misread: BTreeMap<OwnerName, Misread>) {
        let count = metrics::number(misread.len());
        self.shared.metrics.misread.set(count);
        for (owner, misread) in &misread {
            if self.misread.get(owner) != Some(misread) {
                self.shared.teller.is_misread(owner, misread);
            }
        }
        self.misread = misread;
    }

    async fn on_tick(&self, going: &Going, timetable: &Timetable<'_>, tick: &Tick) {
        let proposals = going.watches.proposals();
        self.shared
            .metrics
            .owners
            .set(metrics::number(proposals.len()));
        let owners = proposals
            .iter()
            .filter(|it| timetable.is_within_hours(tick.at, &it.narrowing))
            .map(|it| (NameHash::of_owner(&it.owner), &it.owner));
        let mut wanted = timetable.owners_each_time();
        let in_order = Timetable::in_order(tick, owners.collect());
        for (owner, pick) in in_order.into_iter().take(ASKED_AT_ONCE) {
            match self.ask(going, timetable, owner, tick.at, pick).await {
                Came::NothingAtAll => return,
                Came::Nothing => {}
                Came::Something => wanted -= 1,
            }
            if wanted == 0 {
                return;
            }
        }
        tracing::info!("fewer owners than wanted have a pod that may be killed");
    }

    /// Asks one owner, and says in the log what came of it.
    async fn ask(
        &self,
        going: &Going,
        timetable: &Timetable<'_>,
        owner: &OwnerName,
        at: Timestamp,
        pick: Pick,
    ) -> Came {
        match self.try_to_kill(going, timetable, owner, at, pick).await {
            Ok(came) => came,
            Err(error) => {
                self.shared.metrics.errors.inc();
                tracing::warn!(%owner, %error, "nothing is killed");
                Came::NothingAtAll
            }
        }
    }

    async fn try_to_kill(
        &self,
        going: &Going,
        timetable: &Timetable<'_>,
        owner: &OwnerName,
        at: Timestamp,
        pick: Pick,
    ) -> Result<Came, ClusterError> {
        let killer = Killer {
            connection: self.shared.connection.clone(),
            namespace: self.shared.namespace.clone(),
            agent: self.shared.name.clone(),
            is_dry_run: going.is_dry_run,
        };
        let Some(candidates) = killer.candidates(&going.rules, owner).await? else {
            return Ok(Came::Nothing);
        };
        for (pod, veto) in &candidates.refused {
            self.shared.metrics.refused(veto);
            tracing::debug!(%owner, pod, %veto, "not a victim");
        }
        let pods: Vec<&Pod> = candidates.pods.iter().collect();
        let victims = timetable.victims(&pods, pick, &candidates.narrowing);
        if victims.is_empty() {
            tracing::info!(%owner, refused = candidates.refused.len(), "no pod may be killed");
            return Ok(Came::Nothing);
        }
        let occasion = occasion(&self.shared.name, owner, at);
        let mut came = Came::Nothing;
        for (number, victim) in victims.into_iter().enumerate() {
            let wanted = Wanted {
                owner,
                pod_uid: &victim.uid,
                occasion: &occasion,
                kill: format!("{occasion}-{number}"),
            };
            let leads = || self.shared.election.leads();
            let told = match killer.kill(&going.rules, &wanted, &leads).await {
                Ok(told) => told,
                // Another copy was there before, and this one has come late to the same minute.
                Err(error) if error.is_conflict() => {
                    tracing::info!(kill = wanted.kill, "it is on record already");
                    return Ok(Came::Something);
                }
                Err(error) => return Err(error),
            };
            self.shared.metrics.told(&told);
            self.shared.teller.told(owner, victim, &told);
            match told {
                Told::Vetoed(veto) if OF_ALL.contains(&veto.by) => {
                    if veto.by == "open-kills" {
                        self.follower.look_at_the_ledger();
                    }
                    return Ok(Came::NothingAtAll);
                }
                Told::Vetoed(_) => {}
                Told::WouldKill => came = Came::Something,
                Told::Done { outcome, .. } => {
                    self.follower.look_at_the_ledger();
                    if !matches!(outcome, KillOutcome::Refused | KillOutcome::NotSent) {
                        came = Came::Something;
                    }
                }
            }
        }
        Ok(came)
    }
}

/// The name of what an agent does to an owner at a moment: the same for every copy of it, so that
/// none does it twice.
fn occasion(agent: &str, owner: &OwnerName, at: Timestamp) -> String {
    let owner = NameHash::of_owner(owner);
    format!("{agent}-{}-{owner}", at.strftime("%Y%m%d-%H%M%S"))
}
