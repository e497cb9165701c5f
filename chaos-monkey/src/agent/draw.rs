//! What chance decides: everything follows from the seed, the owner and the day.

use std::fmt;

use jiff::civil::Date;
use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cluster::{OwnerName, Pod};
use crate::hash::{fnv1a, mix};
use crate::schema::VictimAmount;

/// What chance decides for one name on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Draw(u64);

impl Draw {
    /// The same three give the same draw.
    pub(super) fn of(seed: u64, name: NameHash, day: Date) -> Self {
        let day = (day.year() as u64) << 16 | (day.month() as u64) << 8 | day.day() as u64;
        Self(mix(mix(mix(seed) ^ name.0) ^ day))
    }

    /// The draw of another name on the same occasion.
    pub(super) fn beside(self, name: NameHash) -> Self {
        Self(mix(self.0 ^ name.0))
    }

    /// Whether today is one of the days that come once in `mean_time` on average.
    pub(super) fn is_hit(self, mean_time: u32) -> bool {
        1.0 - self.open_share() < 1.0 / f64::from(mean_time)
    }

    /// Uniform above 0 and up to 1, in the 53 bits that a float holds exactly.
    pub(super) fn open_share(self) -> f64 {
        ((self.0 >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Where everything else that is drawn on this occasion comes from.
    pub(super) fn random(self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(mix(self.0))
    }
}

/// A name, for drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameHash(u64);

impl NameHash {
    /// That of an owner.
    pub fn of_owner(owner: &OwnerName) -> Self {
        Self(fnv1a(owner.to_string().as_bytes()))
    }

    /// That of a pod.
    pub fn of_pod(pod: &Pod) -> Self {
        Self::of_named_pod(&pod.namespace, &pod.name)
    }

    /// That of a pod of which only the name is known.
    pub fn of_named_pod(namespace: &str, name: &str) -> Self {
        Self(fnv1a(format!("{namespace}/Pod/{name}").as_bytes()))
    }

    /// That of the nth of something.
    pub(super) const fn of_number(number: u64) -> Self {
        Self(mix(number))
    }
}

impl fmt::Display for NameHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Enough for names of records: no two owners of a cluster meet in these 40 bits.
        write!(formatter, "{:010x}", self.0 >> 24)
    }
}

/// One of several, if there are any.
pub(super) fn one_of<'items, Item>(
    items: &'items [Item],
    random: &mut ChaCha8Rng,
) -> Option<&'items Item> {
    (!items.is_empty()).then(|| &items[random.random_range(0..items.len())])
}

/// Some of several, without putting any back, in their order: as many as the smallest amount says.
pub(super) fn some_of<'items, Item>(
    items: &'items [Item],
    amounts: impl IntoIterator<Item = VictimAmount>,
    random: &mut ChaCha8Rng,
) -> Vec<&'items Item> {
    let counts = amounts.into_iter();
    let smallest = counts.map(|it| count(it, items.len(), random)).min();
    let wanted = smallest.unwrap_or_default();
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
            let drawn = some_of(&items, [VictimAmount::UpToPercent(percent)], &mut random);
            prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(drawn.is_empty(), all == 0);
            let narrow = [VictimAmount::Percent(percent), VictimAmount::Fixed(2)];
            prop_assert!(some_of(&items, narrow, &mut random).len() <= 2);
        }
    }
}
