//! Rows that journeys draw from, and how often each is drawn.

use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Zipf};
use serde_json::{Map, Value};

use super::LoadError;

/// One row of a file of JSON lines.
pub(crate) type Row = Map<String, Value>;

/// The path of a file of rows: `${run}` is the run's working folder.
pub(crate) fn resolve(file: &str, run_folder: &Path) -> PathBuf {
    PathBuf::from(file.replace("${run}", &run_folder.to_string_lossy()))
}

/// Reads a file of JSON lines, one object per line; empty lines are skipped.
pub(crate) async fn read_rows(path: &Path) -> Result<Vec<Row>, LoadError> {
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|source| LoadError::Read {
            file: path.to_owned(),
            source,
        })?;
    let rows = parse_rows(&text).map_err(|line| LoadError::NotARow {
        file: path.to_owned(),
        line,
    })?;
    if rows.is_empty() {
        return Err(LoadError::NoRows {
            file: path.to_owned(),
        });
    }
    Ok(rows)
}

/// The rows of a text, or the number of the first line that is not a JSON object.
fn parse_rows(text: &str) -> Result<Vec<Row>, usize> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(row)) => rows.push(row),
            _ => return Err(index + 1),
        }
    }
    Ok(rows)
}

/// How often each of `count` rows is drawn: row i (from 0) in proportion to `1 / (i + 1)^zipf`
/// (Zipf's law; 0 draws all alike).
#[derive(Debug, Clone)]
pub(crate) struct Popularity {
    count: usize,
    distribution: Zipf<f64>,
}

impl Popularity {
    /// Fails if there are no rows or the exponent is negative.
    pub(crate) fn new(count: usize, zipf: f64) -> Result<Self, LoadError> {
        let distribution = Zipf::new(count as f64, zipf)
            .map_err(|_| LoadError::Popularity { rows: count, zipf })?;
        Ok(Self {
            count,
            distribution,
        })
    }

    /// The index of a row.
    pub(crate) fn draw(&self, random: &mut ChaCha8Rng) -> usize {
        let rank = self.distribution.sample(random) as usize;
        rank.clamp(1, self.count) - 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn rows_are_objects_and_a_wrong_line_is_named() {
        let rows = parse_rows("{\"id\":1}\n\n{\"id\":2}\n").unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(parse_rows("{\"id\":1}\n[1]\n"), Err(2));
        assert_eq!(parse_rows("{\"id\":1\n"), Err(1));
    }

    #[tokio::test]
    async fn a_missing_and_an_empty_file_are_errors_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = resolve("${run}/users.jsonl", folder.path());
        assert_eq!(path, folder.path().join("users.jsonl"));
        assert!(matches!(
            read_rows(&path).await,
            Err(LoadError::Read { .. })
        ));
        std::fs::write(&path, "\n").unwrap();
        let message = read_rows(&path).await.unwrap_err().to_string();
        assert!(message.contains("users.jsonl"), "{message}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Each row's share lies within six standard deviations of its weight's share.
        #[test]
        fn draws_follow_the_weights(count in 1_usize..12, zipf in 0.0_f64..2.0, seed in any::<u64>()) {
            const DRAWS: usize = 20_000;
            let popularity = Popularity::new(count, zipf).unwrap();
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut drawn = vec![0_usize; count];
            for _ in 0..DRAWS {
                drawn[popularity.draw(&mut random)] += 1;
            }
            let weights: Vec<f64> = (0..count).map(|i| ((i + 1) as f64).powf(-zipf)).collect();
            let total: f64 = weights.iter().sum();
            for (observed, weight) in drawn.iter().zip(&weights) {
                let share = weight / total;
                let deviation = (share * (1.0 - share) / DRAWS as f64).sqrt();
                prop_assert!((*observed as f64 / DRAWS as f64 - share).abs() <= 6.0 * deviation + 1e-9);
            }
        }
    }
}
