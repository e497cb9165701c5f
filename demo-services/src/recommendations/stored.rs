//! The similarity on disk: SQLite, with lists of numbers as little-endian bytes.

use std::path::Path;

use anyhow::Context;
use sqlx::Row;

use super::{Similarity, Taste};
use crate::store::sqlite;

/// Writes it, once, at set-up.
///
/// # Errors
///
/// Whatever the disk says.
pub async fn store(path: &Path, taste: &Taste) -> anyhow::Result<()> {
    let pool = sqlite::create(path).await?;
    let mut writing = pool.begin().await?;
    sqlx::query("CREATE TABLE neighbours (title INTEGER PRIMARY KEY, ids BLOB, scores BLOB)")
        .execute(&mut *writing)
        .await?;
    sqlx::query("CREATE TABLE histories (viewer INTEGER PRIMARY KEY, titles BLOB)")
        .execute(&mut *writing)
        .await?;
    sqlx::query("CREATE TABLE popular (titles BLOB)")
        .execute(&mut *writing)
        .await?;
    for (title, neighbours) in (0_i64..).zip(&taste.similarity.neighbours) {
        let ids: Vec<u16> = neighbours.iter().map(|(id, _)| *id).collect();
        let scores: Vec<u8> = neighbours
            .iter()
            .flat_map(|(_, score)| score.to_le_bytes())
            .collect();
        sqlx::query("INSERT INTO neighbours VALUES (?, ?, ?)")
            .bind(title)
            .bind(to_bytes(&ids))
            .bind(scores)
            .execute(&mut *writing)
            .await?;
    }
    for (viewer, history) in (1_i64..).zip(&taste.histories) {
        sqlx::query("INSERT INTO histories VALUES (?, ?)")
            .bind(viewer)
            .bind(to_bytes(history))
            .execute(&mut *writing)
            .await?;
    }
    sqlx::query("INSERT INTO popular VALUES (?)")
        .bind(to_bytes(&taste.similarity.popular))
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    pool.close().await;
    Ok(())
}

/// Reads it.
///
/// # Errors
///
/// When the file is not there or is not what set-up wrote.
pub async fn load(path: &Path) -> anyhow::Result<Taste> {
    let pool = sqlite::open_read_only(path).await?;
    let neighbours = sqlx::query("SELECT ids, scores FROM neighbours ORDER BY title")
        .fetch_all(&pool)
        .await?
        .iter()
        .map(|row| {
            let scores: Vec<u8> = row.try_get(1)?;
            let scores = scores
                .as_chunks::<4>()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes));
            Ok(from_bytes(row.try_get(0)?)
                .into_iter()
                .zip(scores)
                .collect())
        })
        .collect::<Result<_, sqlx::Error>>()?;
    let histories = sqlx::query("SELECT titles FROM histories ORDER BY viewer")
        .fetch_all(&pool)
        .await?
        .iter()
        .map(|row| Ok(from_bytes(row.try_get(0)?)))
        .collect::<Result<_, sqlx::Error>>()?;
    let popular = sqlx::query("SELECT titles FROM popular")
        .fetch_one(&pool)
        .await
        .context("the similarity has no popular titles")?;
    let popular = from_bytes(popular.try_get(0)?);
    pool.close().await;
    Ok(Taste {
        similarity: Similarity {
            neighbours,
            popular,
        },
        histories,
    })
}

fn to_bytes(numbers: &[u16]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn from_bytes(bytes: Vec<u8>) -> Vec<u16> {
    let (pairs, _) = bytes.as_chunks::<2>();
    pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_stored_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("similarity.sqlite");
        let histories = vec![vec![1, 2, 3], vec![1, 2]];
        let similarity = Similarity::compute(3, &histories);
        let taste = Taste {
            similarity: similarity.clone(),
            histories: histories.clone(),
        };
        store(&path, &taste).await.unwrap();
        let loaded = load(&path).await.unwrap();
        assert_eq!(loaded.similarity, similarity);
        assert_eq!(loaded.histories, histories);
        assert!(load(&folder.path().join("nothing")).await.is_err());
    }
}
