//! Viewers with real taste structure, and what they have watched.
//!
//! Each title belongs to one of a number of niches that no field of the catalogue tells. Each
//! viewer loves a few niches and watches mostly from them, the popular titles of a niche more
//! often, and now and then whatever is popular with everybody.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Zipf};

/// How many niches there are.
const NICHES: usize = 48;

/// How many of them a viewer loves.
const LOVED: usize = 3;

/// The share of viewings that come from a loved niche.
const FAITHFUL: f64 = 0.75;

/// How many titles a viewer has watched, at least and at most.
const WATCHED: std::ops::RangeInclusive<usize> = 20..=40;

/// What one viewer has watched, in order: ids of titles.
pub type Viewings = Vec<u16>;

/// Which niche each title belongs to, most popular titles of a niche first.
#[derive(Debug)]
pub struct Taste {
    niches: Vec<Vec<u16>>,
    by_popularity: Vec<u16>,
}

impl Taste {
    /// Puts `titles` titles into niches.
    pub fn new(seed: u64, titles: u16) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x7a57_e000);
        let mut by_popularity: Vec<u16> = (1..=titles).collect();
        by_popularity.shuffle(&mut random);
        let mut niches = vec![Vec::new(); NICHES];
        for title in &by_popularity {
            let niche = random.random_range(0..NICHES);
            if let Some(niche) = niches.get_mut(niche) {
                niche.push(*title);
            }
        }
        niches.retain(|niche| !niche.is_empty());
        Self {
            niches,
            by_popularity,
        }
    }
}

/// Lets `viewers` viewers watch.
pub fn watch(seed: u64, taste: &Taste, viewers: u32) -> Vec<Viewings> {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x0ea7_4e45);
    (0..viewers)
        .map(|_| one_viewer(&mut random, taste))
        .collect()
}

fn one_viewer(random: &mut ChaCha8Rng, taste: &Taste) -> Viewings {
    let loved: Vec<&Vec<u16>> = taste.niches.sample(random, LOVED).collect();
    let count = random.random_range(WATCHED);
    let mut watched = Viewings::with_capacity(count);
    // Collisions are thrown away, so the number of draws is bounded instead of the viewings.
    for _ in 0..count * 3 {
        if watched.len() == count {
            break;
        }
        let pool = match loved.choose(random) {
            Some(niche) if random.random_bool(FAITHFUL) => niche,
            _ => &taste.by_popularity,
        };
        let Some(title) = by_rank(random, pool) else {
            continue;
        };
        if !watched.contains(&title) {
            watched.push(title);
        }
    }
    watched
}

/// A title by Zipf's law over its rank.
fn by_rank(random: &mut ChaCha8Rng, pool: &[u16]) -> Option<u16> {
    let zipf = Zipf::new(pool.len() as f64, 0.8).ok()?;
    let rank = zipf.sample(random) as usize;
    pool.get(rank.saturating_sub(1)).copied()
}
