//! Positions that wait for playback.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::sqlite::Store;
use super::{WriteError, unix_seconds};

/// A position that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The `Idempotency-Key` of the write; one entry per user and key.
    pub key: String,
    /// The user.
    pub user: u32,
    /// The title.
    pub title: u32,
    /// The client's sequence.
    pub sequence: u64,
    /// The position, in seconds from the beginning.
    pub seconds: u64,
}

/// An entry that this process may deliver until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// By which it is settled.
    pub id: i64,
    /// What is to be delivered.
    pub entry: OutboxEntry,
}

/// Keeps positions until they are delivered.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Keeps an entry; the same one again changes nothing.
    async fn enqueue(&self, entry: &OutboxEntry) -> Result<(), WriteError>;

    /// Takes entries to deliver, the oldest first, for the length of a lease.
    async fn claim(&self, limit: u32, lease: Duration) -> anyhow::Result<Vec<Claimed>>;

    /// Forgets a delivered entry.
    async fn done(&self, id: i64) -> anyhow::Result<()>;

    /// What waits for a user, the oldest first.
    async fn pending(&self, user: u32) -> anyhow::Result<Vec<OutboxEntry>>;
}

const SCHEMA: [&str; 1] = ["CREATE TABLE IF NOT EXISTS outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL,
        user INTEGER NOT NULL,
        title INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        seconds INTEGER NOT NULL,
        leased_until INTEGER NOT NULL DEFAULT 0,
        UNIQUE (user, key)
    )"];

/// The outbox in SQLite.
#[derive(Debug, Clone)]
pub struct SqliteOutbox {
    store: Store,
}

impl SqliteOutbox {
    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// Whatever the disk says.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            store: Store::open(path, &SCHEMA).await?,
        })
    }

    /// Closes the file, so that it can be moved.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

#[async_trait]
impl OutboxStore for SqliteOutbox {
    async fn enqueue(&self, entry: &OutboxEntry) -> Result<(), WriteError> {
        // The same entry again counts as one row touched, another one under its key as none.
        let kept = sqlx::query(
            "INSERT INTO outbox (key, user, title, sequence, seconds) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (user, key) DO UPDATE SET leased_until = leased_until
             WHERE title = excluded.title AND sequence = excluded.sequence
               AND seconds = excluded.seconds",
        )
        .bind(&entry.key)
        .bind(entry.user)
        .bind(entry.title)
        .bind(i64::try_from(entry.sequence)?)
        .bind(i64::try_from(entry.seconds)?)
        .execute(&self.store.writer)
        .await?;
        if kept.rows_affected() == 0 {
            return Err(WriteError::KeyReused);
        }
        Ok(())
    }

    async fn claim(&self, limit: u32, lease: Duration) -> anyhow::Result<Vec<Claimed>> {
        // Mostly nothing waits, and looking needs no lock.
        let waiting = sqlx::query("SELECT 1 FROM outbox LIMIT 1")
            .fetch_optional(&self.store.readers)
            .await?;
        if waiting.is_none() {
            return Ok(Vec::new());
        }
        let now = unix_seconds();
        let until = now.saturating_add(i64::try_from(lease.as_secs())?.max(1));
        let rows = sqlx::query(
            "UPDATE outbox SET leased_until = ?
             WHERE id IN (SELECT id FROM outbox WHERE leased_until <= ? ORDER BY id LIMIT ?)
             RETURNING id, key, user, title, sequence, seconds",
        )
        .bind(until)
        .bind(now)
        .bind(limit)
        .fetch_all(&self.store.writer)
        .await?;
        let mut claimed = rows
            .iter()
            .map(|row| {
                Ok(Claimed {
                    id: row.try_get("id")?,
                    entry: entry(row)?,
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        claimed.sort_by_key(|claimed| claimed.id);
        Ok(claimed)
    }

    async fn done(&self, id: i64) -> anyhow::Result<()> {
        sqlx::query("DELETE FROM outbox WHERE id = ?")
            .bind(id)
            .execute(&self.store.writer)
            .await?;
        Ok(())
    }

    async fn pending(&self, user: u32) -> anyhow::Result<Vec<OutboxEntry>> {
        sqlx::query(
            "SELECT key, user, title, sequence, seconds FROM outbox WHERE user = ? ORDER BY id",
        )
        .bind(user)
        .fetch_all(&self.store.readers)
        .await?
        .iter()
        .map(entry)
        .collect()
    }
}

fn entry(row: &SqliteRow) -> anyhow::Result<OutboxEntry> {
    Ok(OutboxEntry {
        key: row.try_get("key")?,
        user: row.try_get("user")?,
        title: row.try_get("title")?,
        sequence: u64::try_from(row.try_get::<i64, _>("sequence")?)?,
        seconds: u64::try_from(row.try_get::<i64, _>("seconds")?)?,
    })
}
