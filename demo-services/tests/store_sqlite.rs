//! What a store promises, in SQLite.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod store;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use demo_services::store::{
    AuthStore, OutboxStore, PlaybackStore, SqliteAuth, SqliteOutbox, SqlitePlayback,
};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection, SqlitePool};
use store::{Dialect, Part};

struct Sqlite {
    folder: tempfile::TempDir,
}

impl Sqlite {
    fn file(&self, part: Part) -> PathBuf {
        self.folder.path().join(match part {
            Part::Auth => "auth.sqlite",
            Part::Playback => "playback.sqlite",
            Part::Outbox => "outbox.sqlite",
        })
    }

    async fn pool(&self, part: Part) -> SqlitePool {
        let options = SqliteConnectOptions::new().filename(self.file(part));
        SqlitePoolOptions::new()
            .connect_with(options)
            .await
            .unwrap()
    }
}

#[async_trait]
impl Dialect for Sqlite {
    async fn fresh() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn auth(&self) -> Arc<dyn AuthStore> {
        Arc::new(SqliteAuth::open(&self.file(Part::Auth)).await.unwrap())
    }

    async fn playback(&self) -> Arc<dyn PlaybackStore> {
        Arc::new(
            SqlitePlayback::open(&self.file(Part::Playback))
                .await
                .unwrap(),
        )
    }

    async fn outbox(&self) -> Arc<dyn OutboxStore> {
        Arc::new(SqliteOutbox::open(&self.file(Part::Outbox)).await.unwrap())
    }

    async fn change(&self, part: Part, statement: &'static str) {
        let pool = self.pool(part).await;
        sqlx::query(statement).execute(&pool).await.unwrap();
    }

    async fn count(&self, part: Part, statement: &'static str) -> i64 {
        let pool = self.pool(part).await;
        sqlx::query_scalar(statement)
            .fetch_one(&pool)
            .await
            .unwrap()
    }
}

store::suite! { Sqlite }

#[tokio::test]
async fn a_replica_starts_while_another_writes() {
    let sqlite = Sqlite::fresh().await;
    let _there_already = sqlite.playback().await;
    let pool = sqlite.pool(Part::Playback).await;
    let mut writing = pool.acquire().await.unwrap();
    let writing = writing.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let started = SqlitePlayback::open(&sqlite.file(Part::Playback)).await;
    assert!(started.is_ok(), "{:?}", started.err());
    drop(writing);
}
