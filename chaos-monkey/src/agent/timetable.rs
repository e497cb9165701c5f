//! What is due on one day: everything follows from the settings, the seed and the day.
//!
//! Per owner it is the model of Netflix's Chaos Monkey: on each workday each owner is killed from
//! with the chance 1 in `meanTime`, at a minute that is drawn from the hours of the day.

use std::borrow::Cow;
use std::cmp::Reverse;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Rules;
use super::census::Proposal;
use super::cluster::{OwnerName, Pod};
use super::draw::{Draw, NameHash, one_of, some_of};
use super::workload::Narrowing;
use crate::schema::Rhythm;

/// What is due on one day.
#[derive(Debug, Clone)]
pub struct Timetable<'rules> {
    rules: &'rules Rules,
    seed: u64,
    day: Date,
    /// Those in which something may be killed.
    minutes: Vec<Timestamp>,
}

/// A moment at which some owners out of all are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// When.
    pub at: Timestamp,
    draw: Draw,
}

/// Which pods of an owner are due.
#[derive(Debug, Clone)]
pub enum Pick {
    /// As many as the settings say, drawn.
    Drawn(Box<ChaCha8Rng>),
    /// Each whose own moment this is.
    Due(Timestamp),
}

impl<'rules> Timetable<'rules> {
    /// The timetable of a day.
    pub fn of(rules: &'rules Rules, seed: u64, day: Date) -> Self {
        Self {
            rules,
            seed,
            day,
            minutes: rules.calendar.minutes(day),
        }
    }

    /// The rules by which it was made.
    pub const fn rules(&self) -> &'rules Rules {
        self.rules
    }

    /// The day.
    pub const fn day(&self) -> Date {
        self.day
    }

    /// When an owner with these pods is due on its own, in order; never where owners are drawn out
    /// of all.
    pub fn of_owner(
        &self,
        owner: NameHash,
        pods: &[NameHash],
        narrowing: &Narrowing,
    ) -> Vec<(Timestamp, Pick)> {
        match self.rhythm(narrowing) {
            Rhythm::PerOwner(rhythm) => {
                let draw = self.draw(owner);
                if !draw.is_hit(rhythm.mean_time) {
                    return Vec::new();
                }
                let mut random = draw.random();
                let minute = one_of(&self.minutes(narrowing), &mut random).copied();
                let due = minute.map(|at| (at, Pick::Drawn(Box::new(random))));
                due.into_iter().collect()
            }
            Rhythm::PerPod(_) => {
                let due = pods.iter().filter_map(|pod| self.of_pod(*pod, narrowing));
                let mut due: Vec<Timestamp> = due.collect();
                due.sort_unstable();
                due.dedup();
                due.into_iter().map(|at| (at, Pick::Due(at))).collect()
            }
            Rhythm::Every(_) => Vec::new(),
        }
    }

    /// When owners are drawn out of all, in order; never where each is due on its own.
    pub fn ticks(&self) -> Vec<Tick> {
        self.ticks_within(Timestamp::MIN, Timestamp::MAX)
    }

    /// Those after one moment and until another: no others are drawn, since a day can have as many
    /// of them as seconds.
    pub fn ticks_within(&self, after: Timestamp, until: Timestamp) -> Vec<Tick> {
        let Rhythm::Every(rhythm) = self.rules.rhythm else {
            return Vec::new();
        };
        let calendar = &self.rules.calendar;
        let Ok(midnight) = self.day.to_zoned(calendar.zone().clone()) else {
            return Vec::new();
        };
        let (Some(first), Some(last)) = (self.minutes.first(), self.minutes.last()) else {
            return Vec::new();
        };
        let interval = rhythm.interval.get().as_secs().max(1).cast_signed();
        let since_midnight = |at: &Timestamp| at.duration_since(midnight.timestamp()).as_secs();
        // One that begins before the hours may be late enough to fall into them.
        let jitter = rhythm.jitter.get().as_secs().cast_signed();
        let begin = since_midnight(first).max(since_midnight(&after));
        let end = since_midnight(last).saturating_add(60);
        let end = end.min(since_midnight(&until));
        let numbers = (begin - jitter).max(0) / interval..=end.max(0) / interval;
        let mut ticks: Vec<Tick> = numbers
            .filter_map(|number| {
                let draw = self.draw(NameHash::of_number(number.cast_unsigned()));
                let late = draw.random().random_range(0..=jitter);
                let since_midnight = SignedDuration::from_secs(number * interval + late);
                let at = midnight.timestamp().checked_add(since_midnight).ok()?;
                let is_today = at.to_zoned(calendar.zone().clone()).date() == self.day;
                let is_meant = at > after && at <= until;
                (is_meant && is_today && calendar.is_open(at)).then_some(Tick { at, draw })
            })
            .collect();
        ticks.sort_by_key(|tick| (tick.at, tick.draw));
        ticks
    }

    /// The owners that are due on their own after one moment and until another, in the order of
    /// their moments.
    pub fn due<'owners>(
        &self,
        proposals: &'owners [Proposal],
        after: Timestamp,
        until: Timestamp,
    ) -> Vec<(Timestamp, &'owners OwnerName, Pick)> {
        let mut due: Vec<_> = proposals
            .iter()
            .flat_map(|proposal| {
                let owner = NameHash::of_owner(&proposal.owner);
                let moments = self.of_owner(owner, &proposal.pods, &proposal.narrowing);
                let moments = moments.into_iter();
                moments.map(|(at, pick)| (at, &proposal.owner, pick))
            })
            .filter(|(at, ..)| *at > after && *at <= until)
            .collect();
        due.sort_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1)));
        due
    }

    /// Whether an owner may be killed from at a moment, by its own hours.
    pub fn is_within_hours(&self, at: Timestamp, narrowing: &Narrowing) -> bool {
        let zone = self.rules.calendar.zone();
        narrowing
            .hours
            .is_none_or(|hours| hours.contain(&at.to_zoned(zone.clone())))
    }

    /// The owners in the order in which they are asked at a tick.
    pub fn in_order<Owner>(tick: &Tick, mut owners: Vec<(NameHash, Owner)>) -> Vec<(Owner, Pick)> {
        owners.sort_by_key(|(hash, _)| Reverse(tick.draw.beside(*hash)));
        owners
            .into_iter()
            .map(|(hash, owner)| {
                let random = tick.draw.beside(hash).random();
                (owner, Pick::Drawn(Box::new(random)))
            })
            .collect()
    }

    /// From how many owners something is killed at a tick.
    pub const fn owners_each_time(&self) -> u32 {
        match self.rules.rhythm {
            Rhythm::Every(rhythm) => rhythm.owners,
            Rhythm::PerOwner(_) | Rhythm::PerPod(_) => 1,
        }
    }

    /// The victims out of the pods of an owner that may be killed, in their order.
    pub fn victims<'pods>(
        &self,
        pods: &[&'pods Pod],
        pick: Pick,
        narrowing: &Narrowing,
    ) -> Vec<&'pods Pod> {
        match pick {
            Pick::Drawn(mut random) => {
                let amounts = [Some(self.rules.amount), narrowing.amount];
                let drawn = some_of(pods, amounts.into_iter().flatten(), &mut random);
                drawn.into_iter().copied().collect()
            }
            Pick::Due(at) => {
                let is_due =
                    |pod: &&&Pod| self.of_pod(NameHash::of_pod(pod), narrowing) == Some(at);
                pods.iter().filter(is_due).copied().collect()
            }
        }
    }

    /// When a pod is due today: after so many minutes as the first success of a series of draws
    /// with the chance 1 in the mean time takes, which is drawn at once.
    fn of_pod(&self, pod: NameHash, narrowing: &Narrowing) -> Option<Timestamp> {
        let Rhythm::PerPod(rhythm) = self.rhythm(narrowing) else {
            return None;
        };
        let mean_minutes = rhythm.mean_time.get().as_secs_f64() / 60.0;
        let survives = 1.0 - 1.0 / mean_minutes.max(1.0);
        // ln 0 is minus infinity: then it is the first minute.
        let minutes = self.draw(pod).open_share().ln() / survives.ln();
        self.minutes(narrowing).get(minutes as usize).copied()
    }

    fn rhythm(&self, narrowing: &Narrowing) -> Rhythm {
        narrowing.rhythm.unwrap_or(self.rules.rhythm)
    }

    /// The minutes in which an owner may be killed from.
    fn minutes(&self, narrowing: &Narrowing) -> Cow<'_, [Timestamp]> {
        if narrowing.hours.is_none() {
            return Cow::Borrowed(&self.minutes);
        }
        let minutes = self.minutes.iter().copied();
        minutes
            .filter(|at| self.is_within_hours(*at, narrowing))
            .collect()
    }

    fn draw(&self, name: NameHash) -> Draw {
        Draw::of(self.seed, name, self.day)
    }
}

#[cfg(test)]
mod tests;
