//! What is due at each moment, and the kills that come of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::follow::Follower;
use super::{Going, Shared, metrics};
use crate::agent::NameHash;
use crate::agent::census::Survey;
use crate::agent::cluster::{OwnerName, Pod};
use crate::agent::guard::Veto;
use crate::agent::timetable::{Pick, Tick, Timetable};
use crate::agent::workload::Misread;
use crate::schema::{GameDayChoice, KillOutcome};
use crate::target::kubernetes::{ClusterError, Killer, Told, Wanted};

/// How late something may be that is due. What is later is never made up.
const LATEST: SignedDuration = SignedDuration::from_secs(60);

/// Does what is due.
pub(super) struct Worker {
    shared: Arc<Shared>,
    follower: Arc<Follower>,
    looked_at: Timestamp,
    was_leader: bool,
    /// Whether it has told yet what there is.
    has_told: bool,
    /// The owners of which was told that nobody understands what they say.
    misread: BTreeMap<OwnerName, Misread>,
    /// What the filters had refused when it was told last.
    filtered: BTreeMap<&'static str, usize>,
}

/// What came of asking one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// None of its pods passes the filters, or the cluster could not say whether one does.
    Nothing,
    /// A guard said no, which may hold for everybody.
    Vetoed,
    /// Something was killed, or would have been, or may have been.
    Something,
    /// The cluster does not answer.
    Silence,
}

/// An owner that is due: when, which, and which of its pods.
type Due<'owners> = (Timestamp, &'owners OwnerName, Pick);

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, follower: Arc<Follower>) -> Self {
        Self {
            shared,
            follower,
            looked_at: Timestamp::now(),
            was_leader: false,
            has_told: false,
            misread: BTreeMap::new(),
            filtered: BTreeMap::new(),
        }
    }

    /// Whether somebody has ended the agent.
    pub(super) fn is_ending(&self) -> bool {
        self.shared.is_ending()
    }

    /// Does what has become due since it looked last.
    pub(super) async fn look(&mut self) {
        self.shared.works.store(true, Ordering::SeqCst);
        self.do_what_is_due().await;
        self.shared.works.store(false, Ordering::SeqCst);
    }

    async fn do_what_is_due(&mut self) {
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
        if !is_leader || !going.watches.is_complete() || !self.may_kill(&going) {
            return;
        }
        let calendar = going.rules.calendar();
        let day = now.to_zoned(calendar.zone().clone()).date();
        let timetable = Timetable::of(&going.rules, going.seed, day);
        for tick in timetable.ticks_within(after, now) {
            if self.goes_on(&going, tick.at) {
                self.on_tick(&going, &timetable, &tick).await;
            }
        }
        // On their own owners are due only at full minutes. What nobody understands is told at once.
        if self.has_told && after.as_second() / 60 == now.as_second() / 60 {
            return;
        }
        self.has_told = true;
        let survey = self.survey(&going);
        self.tell_of_misread(going.watches.misread());
        let due = timetable.due(&survey.proposals, after, now);
        self.ask_in_order(&going, &timetable, due, u32::MAX).await;
    }

    /// Whether the schedule may kill: not while a game day runs, which would blame it.
    fn may_kill(&self, going: &Going) -> bool {
        going.rules.game_days() != GameDayChoice::Only && !self.shared.hosts()
    }

    /// What watches propose, which is told where it can be seen.
    fn survey(&mut self, going: &Going) -> Survey {
        let survey = going.watches.survey();
        self.shared.metrics.surveyed(&survey);
        if self.filtered != survey.filtered {
            let (owners, filtered) = (survey.proposals.len(), counts(&survey.filtered));
            tracing::info!(owners, filtered, "owners with pods that may be killed");
            self.filtered.clone_from(&survey.filtered);
        }
        survey
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

    /// Whether what is due at a moment is still to be done: it is not late, nobody has ended the
    /// agent or changed its settings, and it leads.
    fn goes_on(&self, going: &Going, at: Timestamp) -> bool {
        !self.shared.is_ending()
            && self.may_kill(going)
            && self.shared.election.is_leader()
            && Arc::ptr_eq(&going.rules, &self.shared.going().rules)
            && Timestamp::now().duration_since(at) < LATEST
    }

    async fn on_tick(&mut self, going: &Going, timetable: &Timetable<'_>, tick: &Tick) {
        let survey = self.survey(going);
        let owners = survey.proposals.iter();
        let owners = owners
            .filter(|it| timetable.is_within_hours(tick.at, &it.narrowing))
            .map(|it| (NameHash::of_owner(&it.owner), &it.owner));
        let in_order = Timetable::in_order(tick, owners.collect());
        let due = in_order.into_iter();
        let due = due.map(|(owner, pick)| (tick.at, owner, pick)).collect();
        let wanted = timetable.owners_each_time();
        self.ask_in_order(going, timetable, due, wanted).await;
    }

    /// Asks owners until something was killed from so many of them. What forbids every kill is
    /// asked before the first one, and again after whatever may have changed it.
    async fn ask_in_order(
        &self,
        going: &Going,
        timetable: &Timetable<'_>,
        owners: Vec<Due<'_>>,
        mut wanted: u32,
    ) {
        let mut is_allowed = false;
        for (at, owner, pick) in owners {
            if !self.goes_on(going, at) {
                continue;
            }
            if !is_allowed && self.is_forbidden_to_all(going).await {
                return;
            }
            let came = self.ask(going, timetable, owner, at, pick).await;
            is_allowed = came == Came::Nothing;
            match came {
                Came::Nothing | Came::Vetoed => {}
                Came::Silence => return,
                Came::Something => wanted -= 1,
            }
            if wanted == 0 {
                return;
            }
        }
        if wanted < u32::MAX {
            tracing::debug!(
                wanted,
                "fewer owners than wanted have a pod that may be killed"
            );
        }
    }

    /// Whether every kill is forbidden, whoever the victim would be.
    async fn is_forbidden_to_all(&self, going: &Going) -> bool {
        let leads = || self.shared.election.leads();
        match self.killer(going).veto_of_all(&going.rules, &leads).await {
            Ok(None) => false,
            Ok(Some(veto)) => {
                let Veto { by, reason } = &veto;
                tracing::info!(by, reason, "nothing is killed");
                if veto.by == "open-kills" {
                    self.follower.look_at_the_ledger();
                }
                self.shared.metrics.told(&Told::Vetoed(veto));
                true
            }
            Err(error) => {
                self.shared.metrics.errors.inc();
                tracing::warn!(%error, "nothing is killed");
                true
            }
        }
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
                // A record may be open.
                self.follower.look_at_the_ledger();
                if error.is_silence() {
                    Came::Silence
                } else {
                    Came::Vetoed
                }
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
        let killer = self.killer(going);
        let Some(candidates) = killer.candidates(&going.rules, owner).await? else {
            return Ok(Came::Nothing);
        };
        let mut refused: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (pod, veto) in &candidates.refused {
            self.shared.metrics.refused(veto);
            *refused.entry(veto.by).or_default() += 1;
            tracing::debug!(%owner, pod, %veto, "not a victim");
        }
        let pods: Vec<&Pod> = candidates.pods.iter().collect();
        let victims = timetable.victims(&pods, pick, &candidates.narrowing);
        if victims.is_empty() {
            tracing::info!(%owner, refused = counts(&refused), "no pod may be killed");
            return Ok(Came::Nothing);
        }
        let occasion = occasion(&self.shared.name, owner, at);
        let mut came = Came::Vetoed;
        for (number, victim) in victims.into_iter().enumerate() {
            // The first one was asked for just now, and the others may be late.
            if number > 0 && !self.goes_on(going, at) {
                break;
            }
            let wanted = Wanted {
                owner,
                pod_uid: &victim.uid,
                occasion: &occasion,
                kill: format!("{occasion}-{number}"),
            };
            let leads = || self.shared.election.leads();
            let told = killer.kill(&going.rules, &wanted, &leads).await?;
            self.shared.metrics.told(&told);
            self.shared.teller.told(owner, victim, &told);
            match told {
                Told::Vetoed(_) => {}
                Told::WouldKill | Told::OnRecord => came = Came::Something,
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

    fn killer(&self, going: &Going) -> Killer {
        Killer {
            connection: self.shared.connection.clone(),
            namespace: self.shared.namespace.clone(),
            agent: self.shared.name.clone(),
            is_dry_run: going.is_dry_run,
        }
    }
}

/// Counts by name, on one line.
fn counts(counts: &BTreeMap<&'static str, usize>) -> String {
    let mut text = String::new();
    for (name, count) in counts {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{name} {count}");
    }
    text
}

/// The name of what an agent does to an owner at a moment: the same for every copy of it, so that
/// none does it twice.
fn occasion(agent: &str, owner: &OwnerName, at: Timestamp) -> String {
    let owner = NameHash::of_owner(owner);
    format!("{agent}-{}-{owner}", at.strftime("%Y%m%d-%H%M%S"))
}
