//! Item-to-item similarity: titles that the same people watch.
//!
//! The similarity of two titles is the cosine of their sets of viewers, shrunk by
//! `common / (common + 10)` so that a few common viewers do not make twins of two rare titles
//! (Sarwar et al., "Item-based collaborative filtering recommendation algorithms", 2001; the
//! shrinkage as in Koren and Bell, "Advances in collaborative filtering", 2011).

use crate::catalogue::Viewings;

/// How many neighbours of a title are kept.
const NEIGHBOURS: usize = 40;

const SHRINKAGE: f32 = 10.0;

/// The titles most similar to each title. Ids of titles count from 1; index 0 is unused.
#[derive(Debug, Clone, PartialEq)]
pub struct Similarity {
    /// Per title, its neighbours with their similarity, most similar first.
    pub neighbours: Vec<Vec<(u16, f32)>>,
    /// All titles, most watched first.
    pub popular: Vec<u16>,
}

impl Similarity {
    /// Computes it from what people have watched. What is no title is passed over.
    pub fn compute(titles: u16, histories: &[Viewings]) -> Self {
        let viewers = viewers_of(titles, histories);
        let watched: Vec<u32> = viewers.iter().map(|viewers| viewers.len() as u32).collect();
        // One row of the matrix of common viewers at a time: the whole of it would not be small.
        let mut common = vec![0_u32; watched.len()];
        let neighbours = viewers
            .iter()
            .enumerate()
            .map(|(title, viewers)| {
                common.fill(0);
                let histories = viewers.iter().filter_map(|viewer| histories.get(*viewer));
                for other in histories.flatten() {
                    if let Some(count) = common.get_mut(usize::from(*other)) {
                        *count += 1;
                    }
                }
                nearest(title, &common, &watched)
            })
            .collect();
        let mut popular: Vec<(u32, u16)> = watched.into_iter().zip(0..=titles).skip(1).collect();
        popular.sort_by_key(|(watched, title)| (std::cmp::Reverse(*watched), *title));
        Self {
            neighbours,
            popular: popular.into_iter().map(|(_, title)| title).collect(),
        }
    }

    /// The titles that suit somebody with this history best, without those already watched.
    pub fn recommend(&self, history: &[u16], count: usize) -> Vec<u16> {
        let mut scores = vec![0.0_f32; self.neighbours.len()];
        for title in history {
            for &(neighbour, similarity) in self.similar(*title) {
                if let Some(score) = scores.get_mut(usize::from(neighbour)) {
                    *score += similarity;
                }
            }
        }
        for title in history {
            if let Some(score) = scores.get_mut(usize::from(*title)) {
                *score = 0.0;
            }
        }
        let mut ranked: Vec<u16> = (0_u16..)
            .zip(&scores)
            .filter(|(_, score)| **score > 0.0)
            .map(|(title, _)| title)
            .collect();
        ranked.sort_by(|left, right| {
            let (left_score, right_score) =
                (scores[usize::from(*left)], scores[usize::from(*right)]);
            right_score.total_cmp(&left_score).then(left.cmp(right))
        });
        ranked.truncate(count);
        ranked
    }

    /// The neighbours of a title, most similar first.
    pub fn similar(&self, title: u16) -> &[(u16, f32)] {
        self.neighbours
            .get(usize::from(title))
            .map_or(&[], Vec::as_slice)
    }
}

/// Per title, who watched it: indices into the histories.
fn viewers_of(titles: u16, histories: &[Viewings]) -> Vec<Vec<usize>> {
    let mut viewers = vec![Vec::new(); usize::from(titles) + 1];
    for (viewer, history) in histories.iter().enumerate() {
        for title in history {
            if let Some(viewers) = viewers.get_mut(usize::from(*title)) {
                viewers.push(viewer);
            }
        }
    }
    viewers
}

/// The neighbours of a title, from how many viewers each other title has in common with it.
fn nearest(title: usize, common: &[u32], watched: &[u32]) -> Vec<(u16, f32)> {
    let own = watched.get(title).copied().unwrap_or_default() as f32;
    let mut all: Vec<(u16, f32)> = (0_u16..)
        .zip(common.iter().zip(watched))
        .filter(|(other, (common, _))| **common > 0 && usize::from(*other) != title)
        .map(|(other, (common, watched))| {
            let common = *common as f32;
            let cosine = common / (own * *watched as f32).sqrt();
            (other, cosine * common / (common + SHRINKAGE))
        })
        .collect();
    all.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    all.truncate(NEIGHBOURS);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Taste, watch};

    /// How many viewers are asked.
    const ASKED: usize = 500;

    /// The share of held-out viewings that are among the first 20 recommended.
    fn recall(held_out: &[Vec<u16>], recommended: impl Fn(usize) -> Vec<u16>) -> f64 {
        let (mut hits, mut all) = (0, 0);
        for (viewer, hidden) in held_out.iter().enumerate() {
            let recommended = recommended(viewer);
            hits += hidden
                .iter()
                .filter(|title| recommended.contains(title))
                .count();
            all += hidden.len();
        }
        f64::from(u32::try_from(hits).unwrap()) / f64::from(u32::try_from(all).unwrap())
    }

    #[test]
    fn similarity_beats_popularity_on_held_out_views() {
        // As many titles and viewers as set-up has; of the viewers, some are asked.
        let titles = 3_000;
        let taste = Taste::new(7, titles);
        let histories = watch(7, &taste, 10_000);
        let (mut seen, mut held_out) = (Vec::new(), Vec::new());
        for mut history in histories {
            let hidden = history.split_off(history.len() * 4 / 5);
            seen.push(history);
            if held_out.len() < ASKED {
                held_out.push(hidden);
            }
        }
        let similarity = Similarity::compute(titles, &seen);
        let by_similarity = recall(&held_out, |viewer| similarity.recommend(&seen[viewer], 20));
        let by_popularity = recall(&held_out, |viewer| {
            let unseen = similarity.popular.iter().copied();
            unseen
                .filter(|title| !seen[viewer].contains(title))
                .take(20)
                .collect()
        });
        println!("recall@20: similarity {by_similarity:.3}, popularity {by_popularity:.3}");
        assert!(
            by_similarity > 1.5 * by_popularity,
            "recall@20: similarity {by_similarity:.3}, popularity {by_popularity:.3}"
        );
    }

    /// The definition, title by title and set by set.
    fn naive(one: u16, other: u16, histories: &[Vec<u16>]) -> f32 {
        let viewers = |wanted: &[u16]| {
            let both = |history: &&Vec<u16>| wanted.iter().all(|title| history.contains(title));
            histories.iter().filter(both).count() as f32
        };
        let common = viewers(&[one, other]);
        common / (viewers(&[one]) * viewers(&[other])).sqrt() * common / (common + SHRINKAGE)
    }

    #[test]
    fn similarity_is_what_its_definition_says() {
        let taste = Taste::new(7, 30);
        let histories = watch(7, &taste, 60);
        let similarity = Similarity::compute(30, &histories);
        let mut compared = 0;
        for one in 1..=30 {
            for &(other, score) in similarity.similar(one) {
                let expected = naive(one, other, &histories);
                assert!(
                    (score - expected).abs() < 1e-5,
                    "{one} {other}: {score} {expected}"
                );
                assert_ne!(one, other);
                compared += 1;
            }
        }
        assert!(compared > 500, "{compared}");
        assert_eq!(Similarity::compute(3, &[vec![9, 9]]).popular, [1, 2, 3]);
    }

    #[test]
    fn what_was_watched_is_not_recommended_again() {
        let histories = vec![vec![1, 2, 3], vec![1, 2, 4], vec![2, 3, 4]];
        let similarity = Similarity::compute(4, &histories);
        let recommended = similarity.recommend(&[1, 2], 10);
        assert!(recommended.contains(&3) && recommended.contains(&4));
        assert!(!recommended.contains(&1) && !recommended.contains(&2));
        assert_eq!(similarity.recommend(&[], 10), [] as [u16; 0]);
        assert_eq!(similarity.recommend(&[999], 10), [] as [u16; 0]);
    }
}
