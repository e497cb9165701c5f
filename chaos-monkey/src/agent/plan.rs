//! What would be killed, and when.
//!
//! The same snapshot, settings, days and seed give the same plan, byte for byte.

use indexmap::IndexMap;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Serialize, Serializer};

use super::Rules;
use super::cluster::{Cluster, Owner, OwnerName, Pod};
use super::draw::NameHash;
use super::filter::{self, Candidate};
use super::timetable::{Pick, Timetable};
use super::workload::Narrowing;
use crate::schema::{LedgerEntry, Rhythm};

/// A kill that would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedKill {
    /// When, in the time zone of the schedule.
    #[serde(serialize_with = "with_offset")]
    pub at: Zoned,
    /// From whose pods.
    pub owner: OwnerName,
    /// Which pods, by name.
    pub pods: Vec<String>,
}

/// RFC 3339, which every reader of JSON knows.
fn with_offset<S: Serializer>(at: &Zoned, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&shown(at))
}

/// A moment as RFC 3339 writes it, with the offset of its zone.
pub fn shown(at: &Zoned) -> impl std::fmt::Display + use<> {
    at.timestamp().display_with_offset(at.offset())
}

/// The pods of one owner that may be killed.
struct Group<'cluster> {
    owner: &'cluster OwnerName,
    hash: NameHash,
    narrowing: Narrowing,
    pods: Vec<&'cluster Pod>,
    pod_hashes: Vec<NameHash>,
    last: Option<Zoned>,
}

/// What would be killed on so many days from a first one on, ordered by time and then by owner.
///
/// A pod that is killed in the plan stays in it, for the one that comes after it; only where each
/// pod has its own chance it is gone.
pub fn plan(
    cluster: &Cluster,
    rules: &Rules,
    seed: u64,
    first: Date,
    days: u32,
) -> Vec<PlannedKill> {
    plan_after(&[], cluster, rules, seed, first, days)
}

/// The same after some kills, as the ledger holds them: those before the first day count for the
/// minimum time of their owners. Later ones may be of the plan itself.
pub fn plan_after(
    earlier: &[LedgerEntry],
    cluster: &Cluster,
    rules: &Rules,
    seed: u64,
    first: Date,
    days: u32,
) -> Vec<PlannedKill> {
    let mut groups = groups(cluster, rules);
    for group in &mut groups {
        group.last = last_before(first, group.owner, earlier, rules);
    }
    let mut kills = Vec::new();
    for day in first.series(1.day()).take(days as usize) {
        if !rules.calendar.is_workday(day) {
            continue;
        }
        let timetable = Timetable::of(rules, seed, day);
        let not_since = rules.calendar.workdays_before(day, rules.minimum_time());
        for group in &mut groups {
            for (at, pick) in timetable.of_owner(group.hash, &group.pod_hashes, &group.narrowing) {
                kills.extend(group.killed(&timetable, at, pick, not_since));
            }
        }
        for tick in timetable.ticks() {
            let all = groups
                .iter_mut()
                .filter(|group| timetable.is_within_hours(tick.at, &group.narrowing))
                .map(|group| (group.hash, group));
            let in_order = Timetable::in_order(&tick, all.collect()).into_iter();
            let from_each = in_order
                .filter_map(|(group, pick)| group.killed(&timetable, tick.at, pick, not_since));
            kills.extend(from_each.take(timetable.owners_each_time() as usize));
        }
    }
    kills.sort_by(|one, other| (&one.at, &one.owner).cmp(&(&other.at, &other.owner)));
    kills
}

/// When an owner was killed from last before a day.
fn last_before(
    first: Date,
    owner: &OwnerName,
    kills: &[LedgerEntry],
    rules: &Rules,
) -> Option<Zoned> {
    let of_owner = kills.iter().filter(|kill| kill.owner == *owner);
    let times = of_owner.map(|kill| kill.at.to_zoned(rules.calendar.zone().clone()));
    times.filter(|at| at.date() < first).max()
}

/// Whether the last kill lies at or after the same time of the day that bounds the minimum time.
/// Where the calendar has no such day, nothing is long enough ago.
pub(super) fn is_too_soon(last: &Zoned, at: &Zoned, not_since: Option<Date>) -> bool {
    not_since.is_none_or(|bound| (last.date(), last.time()) >= (bound, at.time()))
}

/// The owners of pods that may be killed once they are old enough, in order.
fn groups<'cluster>(cluster: &'cluster Cluster, rules: &Rules) -> Vec<Group<'cluster>> {
    let mut pods: IndexMap<&OwnerName, Vec<&Pod>> = IndexMap::new();
    for pod in &cluster.pods {
        if let Owner::Known(owner) = &pod.owner {
            pods.entry(owner).or_default().push(pod);
        }
    }
    let groups = pods.into_iter();
    let groups = groups.filter_map(|(owner, pods)| Group::of(owner, pods, cluster, rules));
    let mut groups: Vec<Group<'cluster>> = groups.collect();
    groups.sort_unstable_by_key(|group| group.owner);
    groups
}

impl<'cluster> Group<'cluster> {
    /// Those of an owner's pods that may be killed once they are old enough, if there are any.
    fn of(
        owner: &'cluster OwnerName,
        mut pods: Vec<&'cluster Pod>,
        cluster: &'cluster Cluster,
        rules: &Rules,
    ) -> Option<Self> {
        // A controller is in the namespace of its pods: what all share is looked up once.
        let described = cluster.owners.get(owner);
        let namespace = cluster.namespaces.get(&owner.namespace);
        pods.retain(|pod| {
            let candidate = Candidate {
                pod,
                owner: described,
                namespace,
                now: Timestamp::MAX,
            };
            candidate.can_be_victim(rules)
        });
        if pods.is_empty() {
            return None;
        }
        Some(Self {
            owner,
            hash: NameHash::of_owner(owner),
            // One that is not understood has no pod that the filters let pass.
            narrowing: Narrowing::of(described?, rules).unwrap_or_default(),
            pod_hashes: match rules.rhythm {
                Rhythm::PerPod(_) => pods.iter().map(|pod| NameHash::of_pod(pod)).collect(),
                // Nobody draws pods on their own, and there are many of them.
                Rhythm::PerOwner(_) | Rhythm::Every(_) => Vec::new(),
            },
            pods,
            last: None,
        })
    }

    /// What is killed of it at a moment that is due, if anything.
    fn killed(
        &mut self,
        timetable: &Timetable<'_>,
        at: Timestamp,
        pick: Pick,
        not_since: Option<Date>,
    ) -> Option<PlannedKill> {
        let rules = timetable.rules();
        let zoned = at.to_zoned(rules.calendar.zone().clone());
        if let Some(last) = &self.last
            && is_too_soon(last, &zoned, not_since)
        {
            return None;
        }
        let is_gone = matches!(pick, Pick::Due(_));
        let victims = timetable.victims(&self.old_enough(rules, at), pick, &self.narrowing);
        if victims.is_empty() {
            return None;
        }
        if is_gone {
            self.pods
                .retain(|pod| !victims.iter().any(|victim| victim.name == pod.name));
            self.pod_hashes = self.pods.iter().map(|pod| NameHash::of_pod(pod)).collect();
        }
        self.last = Some(zoned.clone());
        Some(PlannedKill {
            at: zoned,
            owner: self.owner.clone(),
            pods: victims.iter().map(|pod| pod.name.clone()).collect(),
        })
    }

    /// Its pods as they will be at a moment: nothing but their age changes by itself.
    fn old_enough(&self, rules: &Rules, at: Timestamp) -> Vec<&'cluster Pod> {
        let is_old_enough = |pod: &&Pod| {
            let candidate = Candidate {
                pod,
                owner: None,
                namespace: None,
                now: at,
            };
            (filter::AGE.check)(rules, &candidate).is_ok()
        };
        self.pods.iter().copied().filter(is_old_enough).collect()
    }
}

#[cfg(test)]
mod tests;
