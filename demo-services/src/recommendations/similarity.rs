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
    /// Computes it from what people have watched.
    pub fn compute(titles: u16, histories: &[Viewings]) -> Self {
        let size = usize::from(titles) + 1;
        let mut watched = vec![0_u32; size];
        let mut common = vec![0_u16; size * size];
        for history in histories {
            for &one in history {
                watched[usize::from(one)] += 1;
                let row = usize::from(one) * size;
                for &other in history {
                    let cell = &mut common[row + usize::from(other)];
                    *cell = cell.saturating_add(1);
                }
            }
        }
        let neighbours = (0..size)
            .map(|title| nearest(title, &common[title * size..(title + 1) * size], &watched))
            .collect();
        let mut popular: Vec<u16> = (1..=titles).collect();
        popular.sort_by_key(|title| (std::cmp::Reverse(watched[usize::from(*title)]), *title));
        Self {
            neighbours,
            popular,
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

fn nearest(title: usize, common: &[u16], watched: &[u32]) -> Vec<(u16, f32)> {
    let own = watched[title] as f32;
    let mut all: Vec<(u16, f32)> = (0_u16..)
        .zip(common)
        .filter(|(other, common)| **common > 0 && usize::from(*other) != title)
        .map(|(other, common)| {
            let common = f32::from(*common);
            let cosine = common / (own * watched[usize::from(other)] as f32).sqrt();
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
        let titles = 600;
        let taste = Taste::new(7, titles);
        let histories = watch(7, &taste, 2_000);
        let (mut seen, mut held_out) = (Vec::new(), Vec::new());
        for mut history in histories {
            let hidden = history.split_off(history.len() * 4 / 5);
            seen.push(history);
            held_out.push(hidden);
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
        assert!(
            by_similarity > 1.5 * by_popularity,
            "recall@20: similarity {by_similarity:.3}, popularity {by_popularity:.3}"
        );
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
