//! When journeys arrive, and who does what: an open model.
//!
//! Arrivals are a Poisson process, and nothing that the system answers changes them: the same
//! seed gives the same journeys of the same users at the same times, with and without
//! middleware. A varying rate is reached by the time change of Poisson processes: arrivals of
//! rate 1 are drawn in units of expected arrivals, and each is moved to the time at which the
//! integral of the rate reaches it. That is exact, and costs one draw per arrival.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::weighted::WeightedIndex;
use rand_distr::{Distribution, Exp1};

use super::LoadError;
use super::datasets::Popularity;
use crate::schema::Rate;

/// The stream of the seed from which arrivals are drawn, so that the plan of faults, which has
/// the same seed, draws other numbers.
const STREAM: u64 = 1;

/// One journey that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When, since the load began.
    pub(crate) offset: Duration,
    /// Which, in the order of the file.
    pub(crate) journey: usize,
    /// Whose, in the order of the file of users.
    pub(crate) user: Option<usize>,
    /// The row of each dataset, in the order of the datasets.
    pub(crate) rows: Vec<usize>,
    /// 1 for the first journey, and one more for each.
    pub(crate) sequence: u64,
}

/// What journeys are drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Demand {
    journeys: WeightedIndex<f64>,
    users: Option<Popularity>,
    datasets: Vec<Popularity>,
}

impl Demand {
    /// Fails if no journey has a weight above 0.
    pub(crate) fn new(
        journey_weights: impl IntoIterator<Item = f64>,
        users: Option<Popularity>,
        datasets: Vec<Popularity>,
    ) -> Result<Self, LoadError> {
        let journeys =
            WeightedIndex::new(journey_weights).map_err(|_| LoadError::NoJourneyWeight)?;
        Ok(Self {
            journeys,
            users,
            datasets,
        })
    }
}

/// The journeys of a load, in the order of their times.
#[derive(Debug, Clone)]
pub(crate) struct Arrivals {
    demand: Demand,
    intensity: Intensity,
    duration: Duration,
    random: ChaCha8Rng,
    expected: f64,
    sequence: u64,
}

impl Arrivals {
    pub(crate) fn new(rate: &Rate, demand: Demand, duration: Duration, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(STREAM);
        Self {
            demand,
            intensity: Intensity::new(rate),
            duration,
            random,
            expected: 0.0,
            sequence: 0,
        }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let gap: f64 = Exp1.sample(&mut self.random);
        self.expected += gap;
        let seconds = self.intensity.time_of(self.expected)?;
        let offset = Duration::try_from_secs_f64(seconds).ok()?;
        if offset >= self.duration {
            return None;
        }
        self.sequence += 1;
        let random = &mut self.random;
        Some(Arrival {
            offset,
            journey: self.demand.journeys.sample(random),
            user: self.demand.users.as_ref().map(|users| users.draw(random)),
            rows: self
                .demand
                .datasets
                .iter()
                .map(|rows| rows.draw(random))
                .collect(),
            sequence: self.sequence,
        })
    }
}

/// The rate over time, as straight pieces, and its integral.
#[derive(Debug, Clone)]
struct Intensity {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Seconds since the load began.
    begins: f64,
    /// Seconds; infinite for the last one.
    lasts: f64,
    /// Expected arrivals before it.
    before: f64,
    /// Per second, at its beginning.
    rate: f64,
    /// How much the rate grows per second.
    slope: f64,
}

impl Intensity {
    fn new(rate: &Rate) -> Self {
        let mut intensity = Self { pieces: Vec::new() };
        match rate {
            Rate::Constant(per_second) => intensity.push(f64::INFINITY, *per_second, *per_second),
            Rate::Steps(steps) => {
                for step in steps {
                    intensity.push(
                        step.r#for.get().as_secs_f64(),
                        step.per_second,
                        step.per_second,
                    );
                }
                if let Some(last) = steps.last() {
                    intensity.push(f64::INFINITY, last.per_second, last.per_second);
                }
            }
            Rate::Ramp { from, to, over } => {
                intensity.push(over.get().as_secs_f64(), *from, *to);
                intensity.push(f64::INFINITY, *to, *to);
            }
        }
        intensity
    }

    fn push(&mut self, lasts: f64, from: f64, to: f64) {
        if lasts <= 0.0 {
            return;
        }
        let (begins, before) = self.pieces.last().map_or((0.0, 0.0), |last| {
            (
                last.begins + last.lasts,
                last.before + last.expected_within(last.lasts),
            )
        });
        let slope = if lasts.is_finite() {
            (to - from) / lasts
        } else {
            0.0
        };
        self.pieces.push(Piece {
            begins,
            lasts,
            before,
            rate: from,
            slope,
        });
    }

    /// The time at which this many arrivals are expected; nothing if that is never.
    fn time_of(&self, expected: f64) -> Option<f64> {
        let piece = self
            .pieces
            .iter()
            .rev()
            .find(|piece| piece.before <= expected)?;
        let within = expected - piece.before;
        // The positive root of `rate·t + slope·t²/2 = within`, in the form without cancellation.
        let root = (piece.rate * piece.rate + 2.0 * piece.slope * within)
            .max(0.0)
            .sqrt();
        let seconds = piece.begins + 2.0 * within / (piece.rate + root);
        seconds.is_finite().then_some(seconds)
    }
}

impl Piece {
    fn expected_within(&self, seconds: f64) -> f64 {
        self.rate * seconds + self.slope * seconds * seconds / 2.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schema::{RateStep, Span};

    fn demand() -> Demand {
        Demand::new(
            [3.0, 1.0],
            Some(Popularity::new(20, 1.0).unwrap()),
            vec![Popularity::new(5, 0.0).unwrap()],
        )
        .unwrap()
    }

    fn arrivals(rate: &Rate, seconds: u64, seed: u64) -> Vec<Arrival> {
        Arrivals::new(rate, demand(), Duration::from_secs(seconds), seed).collect()
    }

    fn any_rate() -> impl Strategy<Value = Rate> {
        let span = (0_u64..8_000).prop_map(Span::from_millis);
        let step = (span.clone(), 1.0_f64..200.0)
            .prop_map(|(r#for, per_second)| RateStep { r#for, per_second });
        prop_oneof![
            (1.0_f64..200.0).prop_map(Rate::Constant),
            prop::collection::vec(step, 1..4).prop_map(Rate::Steps),
            (1.0_f64..200.0, 1.0_f64..200.0, span).prop_map(|(from, to, over)| Rate::Ramp {
                from,
                to,
                over
            }),
        ]
    }

    /// The rate at a time, straight from its definition.
    fn rate_at(rate: &Rate, seconds: f64) -> f64 {
        match rate {
            Rate::Constant(per_second) => *per_second,
            Rate::Steps(steps) => {
                let mut end = 0.0;
                for step in steps {
                    end += step.r#for.get().as_secs_f64();
                    if seconds < end {
                        return step.per_second;
                    }
                }
                steps.last().unwrap().per_second
            }
            Rate::Ramp { from, to, over } => {
                let over = over.get().as_secs_f64();
                if seconds >= over {
                    *to
                } else {
                    from + (to - from) * seconds / over
                }
            }
        }
    }

    fn expected_between(rate: &Rate, from: f64, to: f64) -> f64 {
        const SLICES: usize = 4_000;
        let width = (to - from) / SLICES as f64;
        (0..SLICES)
            .map(|i| rate_at(rate, from + (i as f64 + 0.5) * width) * width)
            .sum()
    }

    #[test]
    fn no_weight_at_all_is_an_error() {
        assert!(matches!(
            Demand::new([0.0, 0.0], None, Vec::new()),
            Err(LoadError::NoJourneyWeight)
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_same_seed_gives_the_same_journeys(rate in any_rate(), seed in any::<u64>()) {
            let first = arrivals(&rate, 10, seed);
            prop_assert_eq!(&first, &arrivals(&rate, 10, seed));
            prop_assert!(first.is_sorted_by_key(|arrival| arrival.offset));
            prop_assert!(first.iter().map(|arrival| arrival.sequence).eq(1..=first.len() as u64));
            prop_assert!(first.iter().all(|arrival| arrival.offset < Duration::from_secs(10)));
        }

        #[test]
        fn a_longer_load_begins_like_a_shorter_one(rate in any_rate(), seed in any::<u64>()) {
            let short = arrivals(&rate, 5, seed);
            let long = arrivals(&rate, 10, seed);
            prop_assert_eq!(&long[..short.len()], &short[..]);
        }

        /// A Poisson count has its mean as its variance: six deviations in each half.
        #[test]
        fn the_rate_is_kept(rate in any_rate(), seed in any::<u64>()) {
            let arrivals = arrivals(&rate, 20, seed);
            for (from, to) in [(0.0, 10.0), (10.0, 20.0)] {
                let expected = expected_between(&rate, from, to);
                let counted = arrivals
                    .iter()
                    .filter(|arrival| (from..to).contains(&arrival.offset.as_secs_f64()))
                    .count() as f64;
                prop_assert!(
                    (counted - expected).abs() <= 6.0 * expected.sqrt() + 3.0,
                    "{} arrivals where {} were expected", counted, expected
                );
            }
        }
    }

    #[test]
    fn gaps_are_exponential_and_journeys_follow_their_weights() {
        let arrivals = arrivals(&Rate::Constant(500.0), 40, 7);
        let offsets: Vec<f64> = arrivals
            .iter()
            .map(|arrival| arrival.offset.as_secs_f64())
            .collect();
        let gaps: Vec<f64> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let beyond_mean = gaps.iter().filter(|gap| **gap > 1.0 / 500.0).count() as f64;
        let share = beyond_mean / gaps.len() as f64;
        assert!(
            (share - (-1.0_f64).exp()).abs() < 0.02,
            "{share} of the gaps exceed the mean"
        );
        let first = arrivals
            .iter()
            .filter(|arrival| arrival.journey == 0)
            .count() as f64;
        assert!((first / arrivals.len() as f64 - 0.75).abs() < 0.02);
    }
}
