//! How long a fault delays.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal};
use serde::{Deserialize, Serialize};

use super::error::FaultError;

/// The longest delay, an hour: what is drawn beyond it is cut off.
const LONGEST_MS: f64 = 3_600_000.0;

/// How long a request is delayed, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "distribution",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
#[non_exhaustive]
pub enum Delay {
    /// Always the same.
    Fixed {
        /// How long.
        ms: f64,
    },
    /// Anything between two bounds, evenly.
    Uniform {
        /// The lower bound.
        from_ms: f64,
        /// The upper bound.
        to_ms: f64,
    },
    /// Around a mean; what would be negative is nothing.
    Normal {
        /// The mean.
        mean_ms: f64,
        /// The standard deviation.
        deviation_ms: f64,
    },
    /// With a long tail, as latencies have it.
    LogNormal {
        /// The median.
        median_ms: f64,
        /// The standard deviation of the logarithm: with 1, one of a hundred delays is longer
        /// than ten times the median.
        sigma: f64,
    },
}

impl Delay {
    /// Always the same delay.
    pub const fn fixed(delay: Duration) -> Self {
        Self::Fixed {
            ms: delay.as_millis() as f64,
        }
    }

    pub(super) fn check(&self) -> Result<(), FaultError> {
        let milliseconds = |key, value: f64| {
            if (0.0..=LONGEST_MS).contains(&value) {
                return Ok(());
            }
            Err(FaultError::Value {
                key,
                value: value.to_string(),
                expected: "0 to 3600000 milliseconds",
            })
        };
        match *self {
            Self::Fixed { ms } => milliseconds("delay.ms", ms),
            Self::Uniform { from_ms, to_ms } => {
                milliseconds("delay.from_ms", from_ms)?;
                milliseconds("delay.to_ms", to_ms)?;
                if from_ms <= to_ms {
                    return Ok(());
                }
                Err(FaultError::Value {
                    key: "delay.from_ms",
                    value: from_ms.to_string(),
                    expected: "at most `to_ms`",
                })
            }
            Self::Normal {
                mean_ms,
                deviation_ms,
            } => {
                milliseconds("delay.mean_ms", mean_ms)?;
                milliseconds("delay.deviation_ms", deviation_ms)
            }
            Self::LogNormal { median_ms, sigma } => {
                milliseconds("delay.median_ms", median_ms)?;
                if (0.0..=5.0).contains(&sigma) {
                    return Ok(());
                }
                Err(FaultError::Value {
                    key: "delay.sigma",
                    value: sigma.to_string(),
                    expected: "0 to 5",
                })
            }
        }
    }

    /// Draws one delay.
    pub(super) fn draw(&self, random: &mut ChaCha8Rng) -> Duration {
        let ms = match *self {
            Self::Fixed { ms } => ms,
            Self::Uniform { from_ms, to_ms } => random.random_range(from_ms..=to_ms),
            Self::Normal {
                mean_ms,
                deviation_ms,
            } => Normal::new(mean_ms, deviation_ms)
                .map_or(mean_ms, |distribution| distribution.sample(random)),
            Self::LogNormal { median_ms, sigma } => LogNormal::new(median_ms.ln(), sigma)
                .map_or(median_ms, |distribution| distribution.sample(random)),
        };
        // A drawn value that is no number delays nothing.
        Duration::try_from_secs_f64(ms.min(LONGEST_MS) / 1_000.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn draws(delay: Delay) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut draws: Vec<f64> = (0..2_000)
            .map(|_| delay.draw(&mut random).as_secs_f64() * 1_000.0)
            .collect();
        draws.sort_by(f64::total_cmp);
        draws
    }

    #[test]
    fn each_distribution_is_what_it_says() {
        let fixed = draws(Delay::fixed(Duration::from_millis(20)));
        assert_eq!((fixed[0], fixed[1_999]), (20.0, 20.0));

        let uniform = draws(Delay::Uniform {
            from_ms: 10.0,
            to_ms: 30.0,
        });
        assert!(uniform[0] >= 10.0 && uniform[1_999] <= 30.0);
        assert!((uniform[1_000] - 20.0).abs() < 1.0, "{}", uniform[1_000]);

        let normal = draws(Delay::Normal {
            mean_ms: 100.0,
            deviation_ms: 10.0,
        });
        assert!((normal[1_000] - 100.0).abs() < 2.0);
        assert!((normal[1_682] - 110.0).abs() < 2.0, "{}", normal[1_682]);

        let tail = draws(Delay::LogNormal {
            median_ms: 100.0,
            sigma: 1.0,
        });
        assert!((tail[1_000] - 100.0).abs() < 10.0, "{}", tail[1_000]);
        assert!(tail[1_980] > 800.0, "{}", tail[1_980]);
    }

    #[test]
    fn what_cannot_be_drawn_delays_nothing_and_never_panics() {
        for delay in [
            Delay::LogNormal {
                median_ms: 0.0,
                sigma: 5.0,
            },
            Delay::Normal {
                mean_ms: 0.0,
                deviation_ms: 3_600_000.0,
            },
        ] {
            delay.check().unwrap();
            assert!(draws(delay)[1_999] <= LONGEST_MS);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (delay, key) in [
            (Delay::Fixed { ms: -1.0 }, "delay.ms"),
            (Delay::Fixed { ms: f64::NAN }, "delay.ms"),
            (
                Delay::Uniform {
                    from_ms: 2.0,
                    to_ms: 1.0,
                },
                "delay.from_ms",
            ),
            (
                Delay::LogNormal {
                    median_ms: 1.0,
                    sigma: 9.0,
                },
                "delay.sigma",
            ),
        ] {
            let Err(FaultError::Value { key: named, .. }) = delay.check() else {
                panic!("{delay:?} is accepted");
            };
            assert_eq!(named, key);
        }
    }
}
