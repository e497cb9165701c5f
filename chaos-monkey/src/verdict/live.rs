//! What a display shows while a game day runs.

use std::time::Duration;

use super::fold::Fold;
use super::instances::state_after;
use super::numbers::Numbers;
use super::run::{About, InstanceState};
use crate::journal::{FaultId, InstanceName};
use crate::schema::Phase;

/// The stretch of time that the live numbers look back on.
const LAST: Duration = Duration::from_secs(5);

/// What a display shows while a game day runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// What is run, once it is known.
    pub about: Option<About>,
    /// Microseconds since the load began; negative while the system starts.
    pub now: i64,
    /// The phase the engine has announced.
    pub phase: Option<Phase>,
    /// The instances in the order of the system.
    pub instances: Vec<LiveInstance>,
    /// The faults that have begun and not ended.
    pub broken: Vec<BrokenNow>,
    /// Breakers that are not closed: in which instance, towards what, in which state.
    pub breakers: Vec<(InstanceName, String, String)>,
    /// The numbers of the last five seconds.
    pub last: Numbers,
    /// Requests per second, over the last five seconds or since the load began.
    pub rate: f64,
    /// The numbers since the load began.
    pub total: Numbers,
    /// How often faults ended instances.
    pub kills: u64,
    /// What ended the run early, if anything did.
    pub is_stopped: bool,
}

/// An instance as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveInstance {
    /// Which.
    pub instance: InstanceName,
    /// What it is.
    pub state: InstanceState,
    /// Since when.
    pub since: i64,
}

/// A fault that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenNow {
    /// Its id.
    pub fault: FaultId,
    /// `kill`, `pause` or `outage`.
    pub kind: String,
    /// Its victims.
    pub victims: Vec<InstanceName>,
    /// When it began.
    pub began: i64,
}

impl Fold {
    /// What a display shows. `now` is in microseconds since the load began.
    pub fn live(&self, now: i64) -> Live {
        let last = Numbers::of(self.ended_within(now, LAST));
        let seconds = (now as f64 / 1e6).clamp(0.1, LAST.as_secs_f64());
        let instances: Vec<_> = self
            .instances
            .iter()
            .map(|(name, facts)| {
                let newest = facts.marks.last();
                LiveInstance {
                    instance: name.clone(),
                    state: newest.map_or(InstanceState::Down, |(_, mark)| state_after(mark)),
                    since: newest.map_or(now, |(at, _)| *at),
                }
            })
            .collect();
        let kills = self
            .instances
            .values()
            .flat_map(|facts| &facts.marks)
            .filter(|(_, mark)| matches!(mark, super::fold::Mark::Down { fault: Some(_), .. }));
        Live {
            about: self.about.clone(),
            now,
            phase: self.phase,
            broken: self.broken_now(),
            breakers: self.breakers_now(),
            rate: last.requests as f64 / seconds,
            last,
            total: Numbers::of(&self.requests),
            kills: kills.count() as u64,
            is_stopped: !self.stops.is_empty(),
            instances,
        }
    }

    fn broken_now(&self) -> Vec<BrokenNow> {
        self.faults
            .iter()
            .filter(|(_, facts)| facts.ended.is_none())
            .filter_map(|(id, facts)| {
                Some(BrokenNow {
                    fault: id.clone(),
                    kind: facts.kind.clone(),
                    victims: facts.victims.clone(),
                    began: facts.began?,
                })
            })
            .collect()
    }

    /// The newest state of each breaker that is not closed. A breaker dies with its instance.
    fn breakers_now(&self) -> Vec<(InstanceName, String, String)> {
        let mut states = indexmap::IndexMap::new();
        for transition in &self.breakers {
            let born = self.instances.get(&transition.instance).and_then(|facts| {
                facts
                    .marks
                    .iter()
                    .rev()
                    .find(|(_, mark)| *mark == super::fold::Mark::Started)
            });
            if born.is_none_or(|(at, _)| *at <= transition.at_micros) {
                let key = (transition.instance.clone(), transition.breaker.clone());
                states.insert(key, transition.to.clone());
            }
        }
        states
            .into_iter()
            .filter(|(_, state)| state != "closed")
            .map(|((instance, breaker), state)| (instance, breaker, state))
            .collect()
    }
}
