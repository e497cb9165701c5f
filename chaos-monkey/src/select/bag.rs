//! A bag from which everything is drawn once before anything is drawn again.

use rand::Rng;
use rand::seq::SliceRandom;

/// Draws items in random order; when the bag is empty it is filled again with all of them.
///
/// So a monkey reaches every service after as many kills as there are services, which
/// independent draws promise only on average.
#[derive(Debug, Clone)]
pub struct Bag<Item> {
    items: Vec<Item>,
    left: Vec<Item>,
}

impl<Item: Clone> Bag<Item> {
    /// A full bag. The draws depend on the order of the items: sort them first.
    pub fn new(items: Vec<Item>) -> Self {
        Self {
            items,
            left: Vec::new(),
        }
    }

    /// Draws one item; nothing if the bag never held any.
    pub fn draw(&mut self, random: &mut impl Rng) -> Option<Item> {
        if self.left.is_empty() {
            self.left.clone_from(&self.items);
            self.left.shuffle(random);
        }
        self.left.pop()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::Bag;

    proptest! {
        #[test]
        fn everything_is_drawn_before_anything_is_drawn_again(seed: u64, size in 1_u32..12) {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut bag = Bag::new((0..size).collect());
            for _ in 0..3 {
                let round: BTreeSet<u32> = (0..size).filter_map(|_| bag.draw(&mut random)).collect();
                prop_assert_eq!(round.len(), size as usize);
            }
        }
    }

    #[test]
    fn an_empty_bag_gives_nothing() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(Bag::<u8>::new(Vec::new()).draw(&mut random), None);
    }
}
