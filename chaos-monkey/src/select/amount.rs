//! How many instances of a service, and which.

use rand::Rng;
use rand::seq::index;

use crate::schema::Amount;

/// How many of `replicas` instances an amount means, never more than there are. A percentage is
/// rounded up, as Chaos Mesh and the Chaos Toolkit do.
pub fn count(amount: Amount, replicas: u32) -> u32 {
    match amount {
        Amount::One => replicas.min(1),
        Amount::All => replicas,
        Amount::Fixed(number) => number.min(replicas),
        Amount::Percent(percent) => {
            let share = (u64::from(replicas) * u64::from(percent)).div_ceil(100);
            u32::try_from(share).unwrap_or(u32::MAX).min(replicas)
        }
    }
}

/// Draws the replicas that an amount falls on, without replacement, in ascending order.
pub fn draw_replicas(amount: Amount, replicas: u32, random: &mut impl Rng) -> Vec<u32> {
    let wanted = count(amount, replicas);
    let mut drawn: Vec<u32> = index::sample(random, replicas as usize, wanted as usize)
        .into_iter()
        .filter_map(|replica| u32::try_from(replica).ok())
        .collect();
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::{count, draw_replicas};
    use crate::schema::Amount;

    #[test]
    fn amounts_are_counted_with_percentages_rounded_up() {
        let cases = [
            (Amount::One, 3, 1),
            (Amount::One, 0, 0),
            (Amount::All, 3, 3),
            (Amount::Fixed(2), 3, 2),
            (Amount::Fixed(5), 3, 3),
            (Amount::Percent(1), 3, 1),
            (Amount::Percent(34), 3, 2),
            (Amount::Percent(50), 2, 1),
            (Amount::Percent(100), 3, 3),
            (Amount::Percent(50), 0, 0),
        ];
        for (amount, replicas, expected) in cases {
            assert_eq!(
                count(amount, replicas),
                expected,
                "{amount:?} of {replicas}"
            );
        }
    }

    proptest! {
        #[test]
        fn replicas_are_distinct_and_exist(
            seed: u64,
            replicas in 0_u32..40,
            percent in 1_u32..=100,
        ) {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let drawn = draw_replicas(Amount::Percent(percent), replicas, &mut random);
            prop_assert_eq!(drawn.len(), count(Amount::Percent(percent), replicas) as usize);
            prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(drawn.iter().all(|replica| *replica < replicas));
        }
    }
}
