//! Titles from a seed: the same seed gives the same catalogue.

use std::collections::BTreeSet;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::words::{ADJECTIVES, FIRST_NAMES, GENRES, HEROES, LAST_NAMES, NOUNS, PLACES, QUESTS};
use super::{Kind, Rendition, Title};

/// The share of titles that only the premium plan has.
const PREMIUM_SHARE: f64 = 0.05;

/// The ladder: name, width, height, kbps. Close to what published ladders use for H.264.
const LADDER: [(&str, u32, u32, u32); 6] = [
    ("240p", 426, 240, 300),
    ("360p", 640, 360, 700),
    ("480p", 854, 480, 1_200),
    ("720p", 1_280, 720, 2_800),
    ("1080p", 1_920, 1_080, 5_000),
    ("2160p", 3_840, 2_160, 14_000),
];

/// Generates `count` titles.
pub fn generate(seed: u64, count: u32) -> Vec<Title> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut names = BTreeSet::new();
    (1..=count)
        .map(|id| {
            let name = fresh_name(&mut random, &mut names);
            title(&mut random, id, name)
        })
        .collect()
}

fn title(random: &mut ChaCha8Rng, id: u32, name: String) -> Title {
    let kind = if random.random_bool(0.6) {
        Kind::Film
    } else {
        Kind::Series
    };
    let mut genres = vec![pick(random, &GENRES)];
    if random.random_bool(0.4) {
        let second = pick(random, &GENRES);
        if second != genres[0] {
            genres.push(second);
        }
    }
    let cast = (0..random.random_range(2..=5))
        .map(|_| {
            format!(
                "{} {}",
                pick(random, &FIRST_NAMES),
                pick(random, &LAST_NAMES)
            )
        })
        .collect();
    let rungs = if random.random_bool(0.3) { 6 } else { 5 };
    Title {
        id,
        name,
        kind,
        genres,
        year: random.random_range(1960..=2026),
        cast,
        synopsis: format!(
            "In {}, {} {}.",
            pick(random, &PLACES),
            pick(random, &HEROES),
            pick(random, &QUESTS)
        ),
        minutes: match kind {
            Kind::Film => random.random_range(78..=176),
            Kind::Series => random.random_range(22..=64),
        },
        premium: random.random_bool(PREMIUM_SHARE),
        renditions: LADDER
            .iter()
            .take(rungs)
            .map(|&(name, width, height, kbps)| Rendition {
                name: name.to_owned(),
                width,
                height,
                kbps,
            })
            .collect(),
    }
}

fn fresh_name(random: &mut ChaCha8Rng, taken: &mut BTreeSet<String>) -> String {
    loop {
        let (adjective, noun) = (pick(random, &ADJECTIVES), pick(random, &NOUNS));
        let name = match random.random_range(0..5) {
            0 => format!("The {adjective} {noun}"),
            1 => format!("{adjective} {noun}"),
            2 => format!("{noun} of {}", pick(random, &PLACES)),
            3 => format!("A {adjective} {noun} in {}", pick(random, &PLACES)),
            _ => format!("{} and the {noun}", pick(random, &FIRST_NAMES)),
        };
        if taken.insert(name.clone()) {
            return name;
        }
    }
}

fn pick(random: &mut ChaCha8Rng, words: &[&str]) -> String {
    words
        .choose(random)
        .map_or_else(String::new, |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_catalogue_and_names_are_unique() {
        let titles = generate(7, 3_000);
        assert_eq!(titles, generate(7, 3_000));
        assert_ne!(titles, generate(8, 3_000));
        let names: BTreeSet<_> = titles.iter().map(|title| &title.name).collect();
        assert_eq!(names.len(), 3_000);
        assert!(titles.iter().all(|title| !title.genres.is_empty()));
    }
}
