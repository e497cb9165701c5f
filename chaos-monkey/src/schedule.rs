//! When a monkey strikes.

use std::time::Duration;

use rand::Rng;
use rand_distr::{Distribution, Exp1};

/// How many strikes one entry of a time line may have; a file that asks for more is refused when
/// it is read.
pub const MAXIMUM_STRIKES: usize = 10_000;

/// The moments at which a monkey strikes, counted from the beginning of its entry.
///
/// Without jitter: at once, and then every `every` while less than `lasts` has passed. With
/// jitter the time to each strike, the first one included, is drawn from an exponential
/// distribution with the mean `every` (a Poisson process), as in the mean-time-between-kills
/// model. At most [`MAXIMUM_STRIKES`]; none if `every` is zero.
pub fn strikes(
    every: Duration,
    jitter: bool,
    lasts: Duration,
    random: &mut impl Rng,
) -> Vec<Duration> {
    if every.is_zero() {
        return Vec::new();
    }
    let mut moments = Vec::new();
    let mut moment = if jitter {
        exponential(every, random)
    } else {
        Duration::ZERO
    };
    while moment < lasts && moments.len() < MAXIMUM_STRIKES {
        moments.push(moment);
        let gap = if jitter {
            exponential(every, random)
        } else {
            every
        };
        moment = moment.saturating_add(gap);
    }
    moments
}

/// Draws a time with the given mean; never zero, so that two strikes never fall together.
fn exponential(mean: Duration, random: &mut impl Rng) -> Duration {
    let factor: f64 = Exp1.sample(random);
    let drawn = Duration::try_from_secs_f64(mean.as_secs_f64() * factor).unwrap_or(Duration::MAX);
    drawn.max(Duration::from_micros(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::{MAXIMUM_STRIKES, strikes};

    fn seconds(moments: &[Duration]) -> Vec<f64> {
        moments.iter().map(Duration::as_secs_f64).collect()
    }

    #[test]
    fn without_jitter_it_strikes_at_once_and_stops_before_the_end() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let moments = strikes(
            Duration::from_secs(2),
            false,
            Duration::from_secs(6),
            &mut random,
        );
        assert_eq!(seconds(&moments), [0.0, 2.0, 4.0]);
    }

    #[test]
    fn with_jitter_the_mean_time_between_strikes_is_kept() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let moments = strikes(
            Duration::from_secs(1),
            true,
            Duration::from_secs(5_000),
            &mut random,
        );
        assert!(
            (4_700..5_300).contains(&moments.len()),
            "{} strikes in 5,000 s",
            moments.len()
        );
        assert!(moments.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            moments
                .iter()
                .all(|moment| *moment < Duration::from_secs(5_000))
        );
    }

    #[test]
    fn it_is_bounded_whatever_is_asked() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let nanosecond = Duration::from_nanos(1);
        let hour = Duration::from_secs(3_600);
        assert_eq!(
            strikes(nanosecond, false, hour, &mut random).len(),
            MAXIMUM_STRIKES
        );
        assert!(strikes(Duration::ZERO, false, hour, &mut random).is_empty());
    }
}
