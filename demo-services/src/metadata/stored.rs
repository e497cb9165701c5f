//! The catalogue on disk: each title as the JSON it is answered as, beside an FTS5 index.

use std::path::Path;

use serde_json::json;
use sqlx::{AssertSqlSafe, SqlitePool};

use crate::catalogue::Title;
use crate::store::sqlite;

/// Writes the catalogue, once, at set-up.
///
/// # Errors
///
/// Whatever the disk says.
pub async fn store(path: &Path, titles: &[Title]) -> anyhow::Result<()> {
    let pool = sqlite::create(path).await?;
    let mut writing = pool.begin().await?;
    for statement in [
        "CREATE TABLE titles (id INTEGER PRIMARY KEY, json TEXT NOT NULL, card TEXT NOT NULL)",
        "CREATE TABLE compact (json TEXT NOT NULL)",
        "CREATE VIRTUAL TABLE words USING fts5 (name, people, synopsis, genres, content='')",
    ] {
        sqlx::query(statement).execute(&mut *writing).await?;
    }
    let mut compact = Vec::with_capacity(titles.len());
    for title in titles {
        let card = json!({
            "id": title.id, "name": title.name, "year": title.year, "genres": title.genres,
        });
        sqlx::query("INSERT INTO titles VALUES (?, ?, ?)")
            .bind(title.id)
            .bind(serde_json::to_string(title)?)
            .bind(card.to_string())
            .execute(&mut *writing)
            .await?;
        sqlx::query(
            "INSERT INTO words (rowid, name, people, synopsis, genres) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(title.id)
        .bind(&title.name)
        .bind(title.cast.join(" "))
        .bind(&title.synopsis)
        .bind(title.genres.join(" "))
        .execute(&mut *writing)
        .await?;
        compact.push(json!([
            title.id,
            title.name,
            title.year,
            title.genres.first()
        ]));
    }
    sqlx::query("INSERT INTO compact VALUES (?)")
        .bind(json!({"titles": compact}).to_string())
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    pool.close().await;
    Ok(())
}

/// The catalogue, to be read.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pool: SqlitePool,
}

impl Catalogue {
    /// Opens what set-up wrote.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            pool: sqlite::open_read_only(path).await?,
        })
    }

    /// The JSON of these titles in the order of their ids, without unknown ones.
    pub(super) async fn titles(&self, ids: &[u32]) -> Result<Vec<String>, sqlx::Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // Numbers need no quoting, and few lengths of lists keep the statement cache small.
        let marks = ids.len().next_power_of_two();
        let list = vec!["?"; marks].join(",");
        let sql = format!("SELECT json FROM titles WHERE id IN ({list}) ORDER BY id");
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
        for position in 0..marks {
            query = query.bind(ids.get(position).copied());
        }
        query.fetch_all(&self.pool).await
    }

    /// One title, if there is one.
    ///
    /// # Errors
    ///
    /// Whatever the disk says.
    pub async fn title(&self, id: u32) -> anyhow::Result<Option<Title>> {
        let titles = self.titles(&[id]).await?;
        let title = titles.first().map(|title| serde_json::from_str(title));
        Ok(title.transpose()?)
    }

    /// The cards of the titles that match best.
    pub(super) async fn search(
        &self,
        expression: &str,
        limit: u32,
    ) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT card FROM words JOIN titles ON titles.id = words.rowid
             WHERE words MATCH ? ORDER BY bm25(words, 10.0, 5.0, 1.0, 1.0), words.rowid LIMIT ?",
        )
        .bind(expression)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
    }

    /// Ids, names, years and main genres of all titles, as JSON.
    pub(super) async fn index(&self) -> Result<String, sqlx::Error> {
        sqlx::query_scalar("SELECT json FROM compact")
            .fetch_one(&self.pool)
            .await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue;
    use crate::metadata::search::expression;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Letters that count as such for Rust and not for the tokenizer of FTS5, signs that are
        /// operators to it, control characters: nothing of it is an error.
        #[test]
        fn whatever_is_typed_is_a_search(
            typed in prop::collection::vec("\\PC{0,12}|[\"*^:(){}+-]{1,4}|\\p{N}{1,3}|(AND|OR|NOT|NEAR) ", 40)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("catalogue.sqlite");
                store(&path, &catalogue::generate(7, 20)).await.unwrap();
                let catalogue = Catalogue::open(&path).await.unwrap();
                for query in typed.iter().filter_map(|text| expression(text)) {
                    let hits = catalogue.search(&query, 20).await;
                    prop_assert!(hits.is_ok(), "{query}: {:?}", hits.err());
                }
                Ok(())
            })?;
        }
    }
}
