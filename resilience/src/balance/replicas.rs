//! The state that all clones of a balancer share: picking and keeping the books.
//!
//! Everything here is a function of the state, the time handed in and the seeded chance.

use http::uri::Authority;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::config::BalanceConfig;
use super::endpoints::Endpoints;
use super::health::{Health, Standing, Wish, micros, returning_share};
use super::load::{Load, Micros};
use super::status::{EndpointState, EndpointStatus};
use super::success_rate::{Counts, Schedule};
use super::tried::Tried;

/// One endpoint with its record.
#[derive(Debug)]
struct Replica {
    /// Calls under way find it by this, whatever became of the list meanwhile.
    id: u64,
    authority: Authority,
    load: Load,
    health: Health,
    counts: Counts,
}

/// The endpoints of one balancer.
#[derive(Debug)]
pub(super) struct Replicas {
    all: Vec<Replica>,
    next_id: u64,
    config: BalanceConfig,
    chance: ChaCha8Rng,
    comparison: Schedule,
}

/// What was picked, and what has to be handed back when the call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    id: u64,
    started: Micros,
    is_probe: bool,
}

impl Pick {
    /// How long the call has been under way.
    pub(super) const fn age(&self, now: Micros) -> Micros {
        now.saturating_sub(self.started)
    }
}

/// How a call ended, for the endpoint's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Success,
    Failure,
    /// The answer says nothing about this endpoint.
    Neutral,
    /// Nobody waited for the answer any longer.
    GivenUp,
}

/// A change that others should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Ejected {
        endpoint: Authority,
        for_micros: Micros,
    },
    Returned {
        endpoint: Authority,
    },
}

/// Who comes first: a lower rank is taken before a higher one, whatever the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// An ejection is over and this call can find out whether the endpoint is well.
    Probe,
    /// Well, or coming back and its turn.
    Good,
    /// Coming back, but not its turn.
    Spared,
    /// Ejected, or a probe is under way.
    Ejected,
    /// An earlier attempt of this call went there.
    Tried,
}

impl Replicas {
    pub(super) fn new(endpoints: &Endpoints, config: BalanceConfig, seed: u64) -> Self {
        let mut replicas = Self {
            all: Vec::new(),
            next_id: 0,
            config,
            chance: ChaCha8Rng::seed_from_u64(seed),
            comparison: Schedule::default(),
        };
        replicas.replace(endpoints, 0);
        replicas
    }

    /// Takes another list. Endpoints that stay keep their record; but if more of them are ejected
    /// than a list of this length allows, those come back that have been away for longest.
    pub(super) fn replace(&mut self, endpoints: &Endpoints, now: Micros) -> Vec<Change> {
        let mut before = std::mem::take(&mut self.all);
        for authority in endpoints.authorities() {
            let known = before.iter().position(|it| it.authority == *authority);
            self.all.push(match known {
                Some(index) => before.swap_remove(index),
                None => Replica {
                    id: self.next_id,
                    authority: authority.clone(),
                    load: Load::new(),
                    health: Health::new(),
                    counts: Counts::default(),
                },
            });
            self.next_id += 1;
        }
        let too_many = self.counts().1.saturating_sub(self.most_ejected());
        (0..too_many)
            .filter_map(|_| self.bring_one_back(now))
            .collect()
    }

    fn bring_one_back(&mut self, now: Micros) -> Option<Change> {
        let ejected = self.all.iter_mut().filter_map(|replica| {
            let since = replica.health.ejected_since()?;
            Some((since, replica))
        });
        let (_, replica) = ejected.min_by_key(|(since, _)| *since)?;
        replica.health.bring_back(now);
        Some(Change::Returned {
            endpoint: replica.authority.clone(),
        })
    }

    /// Chooses an endpoint and counts the call in; `None` if there is no endpoint at all.
    pub(super) fn pick(&mut self, now: Micros, tried: Option<&Tried>) -> Option<(Pick, Authority)> {
        let (first, second) = self.two_of_the_best(now, tried)?;
        let index = self.less_loaded(first, second, now);
        let replica = self.all.get_mut(index)?;
        let is_probe = replica.health.wants_probe(now);
        if is_probe {
            replica.health.begin_probe();
        }
        replica.load.begin(now);
        let pick = Pick {
            id: replica.id,
            started: now,
            is_probe,
        };
        Some((pick, replica.authority.clone()))
    }

    /// Takes in how a call ended.
    pub(super) fn finish(&mut self, pick: Pick, ending: Ending, now: Micros) -> Option<Change> {
        let decay = micros(self.config.decay) as f64;
        let penalty = micros(self.config.failure_penalty);
        let index = self.all.iter().position(|replica| replica.id == pick.id)?;
        let may_eject = self.may_eject(index);
        let replica = self.all.get_mut(index)?;
        replica.load.end(pick.started);
        if pick.is_probe {
            replica.health.end_probe();
        }
        let age = pick.age(now);
        let unanswered = age >= micros(self.config.unanswered_after);
        match ending {
            Ending::Success => {
                replica.counts.add(true);
                if !replica.health.succeeded(pick.started, now) {
                    replica.load.observe(age as f64, now, decay);
                    return None;
                }
                replica.load.start_again(age as f64, now);
                Some(Change::Returned {
                    endpoint: replica.authority.clone(),
                })
            }
            Ending::Neutral => None,
            Ending::GivenUp if !unanswered => {
                replica.load.observe_at_least(age as f64, now, decay);
                None
            }
            Ending::Failure | Ending::GivenUp => {
                replica.counts.add(false);
                let latency = age.max(penalty);
                replica.load.observe(latency as f64, now, decay);
                let wish = replica.health.failed(pick.started, now, &self.config);
                if wish == Wish::Keep || !may_eject {
                    return None;
                }
                Some(Change::Ejected {
                    endpoint: replica.authority.clone(),
                    for_micros: replica.health.eject(now, &self.config),
                })
            }
        }
    }

    /// Compares the success rates, where an interval is over, and ejects who stands out.
    pub(super) fn compare(&mut self, now: Micros) -> Vec<Change> {
        let Some(rule) = self.config.success_rate else {
            return Vec::new();
        };
        if !self.comparison.is_due(now, micros(rule.interval)) {
            return Vec::new();
        }
        let all = self.all.iter_mut();
        let counts: Vec<Counts> = all
            .map(|replica| std::mem::take(&mut replica.counts))
            .collect();
        let mut changes = Vec::new();
        for index in rule.outliers(&counts) {
            let may_eject = self.may_eject(index);
            let Some(replica) = self.all.get_mut(index) else {
                continue;
            };
            if may_eject && !replica.health.is_ejected() {
                changes.push(Change::Ejected {
                    endpoint: replica.authority.clone(),
                    for_micros: replica.health.eject(now, &self.config),
                });
            }
        }
        changes
    }

    /// How each endpoint stands.
    pub(super) fn status(&mut self, now: Micros) -> Vec<EndpointStatus> {
        let decay = micros(self.config.decay) as f64;
        let config = &self.config;
        let status = |replica: &mut Replica| {
            let standing = replica.health.standing(now, config);
            let ejected_for_ms = match standing {
                Standing::Ejected { since, .. } => Some(now.saturating_sub(since) / 1_000),
                Standing::Available | Standing::Returning { .. } => None,
            };
            let (state, share) = match standing {
                Standing::Available => (EndpointState::Available, 1.0),
                Standing::Returning { since } => (
                    EndpointState::Returning,
                    returning_share(since, now, config),
                ),
                Standing::Ejected { .. } => (EndpointState::Ejected, 0.0),
            };
            EndpointStatus {
                authority: replica.authority.to_string(),
                state,
                ejected_for_ms,
                share,
                in_flight: replica.load.in_flight(),
                load: replica.load.value(now, decay),
            }
        };
        self.all.iter_mut().map(status).collect()
    }

    /// Whether so few are not ejected that ejections are ignored.
    pub(super) fn is_panic(&self) -> bool {
        let (available, ejected) = self.counts();
        let all = (available + ejected) as f64;
        ejected > 0 && (available as f64) < all * self.config.panic_below
    }

    /// How many endpoints are available and how many are ejected.
    pub(super) fn counts(&self) -> (usize, usize) {
        let ejected = self.ejected_but(usize::MAX);
        (self.all.len() - ejected, ejected)
    }

    /// At most max(1, the share) are ejected at once, this one included.
    fn may_eject(&self, index: usize) -> bool {
        self.ejected_but(index) < self.most_ejected()
    }

    fn most_ejected(&self) -> usize {
        let share = self.all.len() as f64 * self.config.maximum_ejected;
        // 0.29 of a hundred is 29, and not the 28 that the product is cut off to.
        let whole = (share + 1e-6) as usize;
        whole.max(1)
    }

    fn ejected_but(&self, index: usize) -> usize {
        let others = self.all.iter().enumerate();
        others
            .filter(|(other, replica)| *other != index && replica.health.is_ejected())
            .count()
    }

    /// Two different endpoints of the best rank there is, by chance and in an order by chance;
    /// the same one twice where there is only one.
    fn two_of_the_best(&mut self, now: Micros, tried: Option<&Tried>) -> Option<(usize, usize)> {
        let tried = tried.filter(|tried| !tried.is_empty() || !tried.is_repeatable());
        let is_panic = self.is_panic();
        let mut best = Rank::Tried;
        let mut seen = 0_u32;
        let mut two = (0, 0);
        for (index, replica) in self.all.iter_mut().enumerate() {
            let mut rank = rank(replica, now, tried, &self.config, &mut self.chance);
            if is_panic && matches!(rank, Rank::Spared | Rank::Ejected) {
                rank = Rank::Good;
            }
            if rank > best {
                continue;
            }
            if rank < best {
                best = rank;
                seen = 0;
            }
            seen += 1;
            // Reservoir sampling: each of those seen is among the two with the same chance.
            match seen {
                1 => two = (index, index),
                2 => two.1 = index,
                _ => match self.chance.random_range(0..seen) {
                    0 => two.0 = index,
                    1 => two.1 = index,
                    _ => {}
                },
            }
        }
        match seen {
            0 => None,
            1 => Some(two),
            _ if self.chance.random() => Some(two),
            _ => Some((two.1, two.0)),
        }
    }

    /// The one with less load; the first of two alike, which chance put there.
    fn less_loaded(&self, first: usize, second: usize, now: Micros) -> usize {
        let decay = micros(self.config.decay) as f64;
        let load = |index: usize| {
            let replica = self.all.get(index);
            replica.map_or(f64::INFINITY, |replica| replica.load.value(now, decay))
        };
        if load(second) < load(first) {
            second
        } else {
            first
        }
    }
}

fn rank(
    replica: &mut Replica,
    now: Micros,
    tried: Option<&Tried>,
    config: &BalanceConfig,
    chance: &mut ChaCha8Rng,
) -> Rank {
    if tried.is_some_and(|tried| tried.contains(&replica.authority)) {
        return Rank::Tried;
    }
    match replica.health.standing(now, config) {
        Standing::Available => Rank::Good,
        Standing::Returning { since } => {
            let share = returning_share(since, now, config);
            if chance.random::<f64>() < share {
                Rank::Good
            } else {
                Rank::Spared
            }
        }
        Standing::Ejected { .. } => {
            let may_probe = tried.is_none_or(Tried::is_repeatable);
            if may_probe && replica.health.wants_probe(now) {
                Rank::Probe
            } else {
                Rank::Ejected
            }
        }
    }
}
