//! What would be killed, and when.
//!
//! The model is that of Netflix's Chaos Monkey: on each workday each owner is killed from with the
//! chance 1 in `meanTime`, at a minute that is drawn from the hours of the day, unless too little
//! time has passed since the last time. The same snapshot, settings, days and seed give the same
//! plan, byte for byte.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Serialize, Serializer};

use super::Rules;
use super::cluster::{Cluster, Owner, OwnerName, Pod};
use super::draw::{Draw, OwnerHash, one_of, some_of};
use super::filter::{self, Candidate};

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
    hash: OwnerHash,
    pods: Vec<&'cluster Pod>,
    last: Option<Zoned>,
}

/// What would be killed on so many days from a first one on, ordered by time and then by owner.
pub fn plan(
    cluster: &Cluster,
    rules: &Rules,
    seed: u64,
    first: Date,
    days: u32,
) -> Vec<PlannedKill> {
    let mut groups = groups(cluster, rules);
    let mut kills = Vec::new();
    for day in first.series(1.day()).take(days as usize) {
        let minutes = rules.calendar.minutes(day);
        if minutes.is_empty() {
            continue;
        }
        let not_since = rules.calendar.workdays_before(day, rules.minimum_time);
        for group in &mut groups {
            let draw = Draw::of(seed, group.hash, day);
            if !draw.is_hit(rules.mean_time) {
                continue;
            }
            let mut random = draw.random();
            let Some(minute) = one_of(&minutes, &mut random) else {
                continue;
            };
            let at = minute.to_zoned(rules.calendar.zone().clone());
            if group
                .last
                .as_ref()
                .is_some_and(|last| is_too_soon(last, &at, not_since))
            {
                continue;
            }
            let old_enough = group.old_enough(cluster, rules, *minute);
            let victims = some_of(&old_enough, rules.amount, &mut random);
            if victims.is_empty() {
                continue;
            }
            kills.push(PlannedKill {
                at: at.clone(),
                owner: group.owner.clone(),
                pods: victims.iter().map(|pod| pod.name.clone()).collect(),
            });
            group.last = Some(at);
        }
    }
    kills.sort_by(|one, other| (&one.at, &one.owner).cmp(&(&other.at, &other.owner)));
    kills
}

/// Whether the last kill lies at or after the same time of the day that bounds the minimum time.
/// Where the calendar has no such day, nothing is long enough ago.
fn is_too_soon(last: &Zoned, at: &Zoned, not_since: Option<Date>) -> bool {
    not_since.is_none_or(|bound| (last.date(), last.time()) >= (bound, at.time()))
}

/// The owners of pods that may be killed once they are old enough, in order.
fn groups<'cluster>(cluster: &'cluster Cluster, rules: &Rules) -> Vec<Group<'cluster>> {
    let mut pods: BTreeMap<&OwnerName, Vec<&Pod>> = BTreeMap::new();
    for pod in &cluster.pods {
        if let Owner::Known(owner) = &pod.owner
            && Candidate::of(pod, cluster, Timestamp::MAX).can_be_victim(rules)
        {
            pods.entry(owner).or_default().push(pod);
        }
    }
    let group = |(owner, pods)| Group {
        owner,
        hash: OwnerHash::of(owner),
        pods,
        last: None,
    };
    pods.into_iter().map(group).collect()
}

impl<'cluster> Group<'cluster> {
    /// Its pods as they will be at a moment: nothing but their age changes by itself.
    fn old_enough(
        &self,
        cluster: &'cluster Cluster,
        rules: &Rules,
        at: Timestamp,
    ) -> Vec<&'cluster Pod> {
        let is_old_enough = |pod: &&Pod| {
            let candidate = Candidate::of(pod, cluster, at);
            (filter::AGE.check)(rules, &candidate).is_ok()
        };
        self.pods.iter().copied().filter(is_old_enough).collect()
    }
}

#[cfg(test)]
mod tests;
