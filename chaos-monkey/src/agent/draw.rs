//! What chance decides: everything follows from the seed, the owner and the day.

use jiff::civil::Date;
use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cluster::OwnerName;
use crate::hash::{fnv1a, mix};
use crate::schema::VictimAmount;

/// The chance of one owner on one day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw(u64);

impl Draw {
    /// The same three give the same draw.
    pub(super) fn of(seed: u64, owner: OwnerHash, day: Date) -> Self {
        let day = (day.year() as u64) << 16 | (day.month() as u64) << 8 | day.day() as u64;
        Self(mix(mix(mix(seed) ^ owner.0) ^ day))
    }

    /// Whether today is one of the days that come once in `mean_time` on average.
    pub(super) fn is_hit(self, mean_time: u32) -> bool {
        // The 53 bits that a float holds exactly.
        let share = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        share < 1.0 / f64::from(mean_time)
    }

    /// Where everything else that is drawn today comes from.
    pub(super) fn random(self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(mix(self.0))
    }
}

/// An owner, for drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnerHash(u64);

impl OwnerHash {
    pub(super) fn of(owner: &OwnerName) -> Self {
        Self(fnv1a(owner.to_string().as_bytes()))
    }
}

/// One of several, if there are any.
pub(super) fn one_of<'items, Item>(
    items: &'items [Item],
    random: &mut ChaCha8Rng,
) -> Option<&'items Item> {
    (!items.is_empty()).then(|| &items[random.random_range(0..items.len())])
}

/// Some of several, without putting any back, in their order.
pub(super) fn some_of<'items, Item>(
    items: &'items [Item],
    amount: VictimAmount,
    random: &mut ChaCha8Rng,
) -> Vec<&'items Item> {
    let wanted = count(amount, items.len(), random);
    let mut drawn = index::sample(random, items.len(), wanted).into_vec();
    drawn.sort_unstable();
    drawn.into_iter().map(|index| &items[index]).collect()
}

/// How many of so many an amount means. A percentage is rounded up.
fn count(amount: VictimAmount, all: usize, random: &mut ChaCha8Rng) -> usize {
    let share = |percent: u32| (all * percent as usize).div_ceil(100);
    let wanted = match amount {
        VictimAmount::One => 1,
        VictimAmount::All => all,
        VictimAmount::Fixed(number) => number as usize,
        VictimAmount::Percent(percent) => share(percent),
        VictimAmount::UpToPercent(most) => share(random.random_range(1..=most.max(1))),
    };
    wanted.min(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_counted_with_percentages_rounded_up() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for (amount, all, expected) in [
            (VictimAmount::One, 3, 1),
            (VictimAmount::One, 0, 0),
            (VictimAmount::All, 3, 3),
            (VictimAmount::Fixed(2), 3, 2),
            (VictimAmount::Fixed(5), 3, 3),
            (VictimAmount::Percent(1), 3, 1),
            (VictimAmount::Percent(34), 3, 2),
            (VictimAmount::Percent(50), 2, 1),
            (VictimAmount::Percent(100), 3, 3),
            (VictimAmount::UpToPercent(1), 100, 1),
            (VictimAmount::UpToPercent(100), 0, 0),
        ] {
            assert_eq!(
                count(amount, all, &mut random),
                expected,
                "{amount:?} of {all}"
            );
        }
    }

    #[test]
    fn up_to_a_percentage_reaches_every_share_up_to_it() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let amount = VictimAmount::UpToPercent(30);
        let counts: BTreeSet<usize> = (0..1_000)
            .map(|_| count(amount, 100, &mut random))
            .collect();
        assert_eq!(counts, (1..=30).collect());
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_twice(seed: u64, all in 0_usize..40, percent in 1_u32..=100) {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let items: Vec<usize> = (0..all).collect();
            let drawn = some_of(&items, VictimAmount::UpToPercent(percent), &mut random);
            prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(drawn.is_empty(), all == 0);
        }
    }
}
