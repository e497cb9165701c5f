//! Streams and positions.

use std::path::Path;

use async_trait::async_trait;
use sqlx::Row;

use super::sqlite::Store;
use super::{unix_milliseconds, unix_seconds};

/// A stream that somebody wants to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartStream {
    /// The id it will have.
    pub stream: String,
    /// Whose it is.
    pub user: u32,
    /// On which device; a device has one stream, and a new one replaces it.
    pub device: String,
    /// What is streamed.
    pub title: u32,
    /// How many streams the user may have at once.
    pub limit: u32,
    /// How long it lives unless renewed, in seconds.
    pub lease_seconds: i64,
}

/// A stream that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedStream {
    /// Its id.
    pub stream: String,
    /// When it ends unless renewed, in seconds since 1970.
    pub until: i64,
}

/// Why a stream was not started.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The user streams on as many devices as the plan allows.
    #[error("too many streams at once")]
    TooMany,
    /// The id stands for the start of another stream.
    #[error("the idempotency key was used for something else")]
    KeyReused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] anyhow::Error),
}

/// Where a user stopped watching a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The title.
    pub title: u32,
    /// The client's sequence; a higher one is newer.
    pub sequence: u64,
    /// Seconds from the beginning.
    pub seconds: u64,
}

/// A position that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionWrite {
    /// Under which all attempts are one write.
    pub key: String,
    /// The user.
    pub user: u32,
    /// The position.
    pub position: Position,
}

/// Why a position was not stored.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The key was used for another position.
    #[error("the idempotency key was used for something else")]
    KeyReused,
    /// A number does not fit.
    #[error("sequence and seconds must be below 2^63")]
    TooLarge(#[from] std::num::TryFromIntError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] anyhow::Error),
}

impl From<sqlx::Error> for StreamError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What playback keeps.
#[async_trait]
pub trait PlaybackStore: Send + Sync {
    /// Starts a stream if the limit allows it.
    async fn start(&self, start: &StartStream) -> Result<StartedStream, StreamError>;

    /// Lets a stream live on; nothing if it has ended.
    async fn renew(&self, stream: &str, lease_seconds: i64) -> anyhow::Result<Option<i64>>;

    /// Ends a stream; whether there was one.
    async fn stop(&self, stream: &str) -> anyhow::Result<bool>;

    /// Stores a position unless a newer one is there, and answers the one that is there then.
    async fn save(&self, write: &PositionWrite) -> Result<Position, WriteError>;

    /// The positions of a user, the one saved last first.
    async fn positions(&self, user: u32) -> anyhow::Result<Vec<Position>>;

    /// The position of a user in a title.
    async fn position(&self, user: u32, title: u32) -> anyhow::Result<Option<Position>>;

    /// Forgets streams that have ended and keys that are not coming back.
    async fn forget_ended(&self) -> anyhow::Result<()>;
}

const SCHEMA: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS streams (
        stream TEXT PRIMARY KEY,
        user INTEGER NOT NULL,
        device TEXT NOT NULL,
        title INTEGER NOT NULL,
        until INTEGER NOT NULL,
        UNIQUE (user, device)
    )",
    "CREATE TABLE IF NOT EXISTS positions (
        user INTEGER NOT NULL,
        title INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        seconds INTEGER NOT NULL,
        saved INTEGER NOT NULL,
        PRIMARY KEY (user, title)
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS positions_saved ON positions (user, saved, title)",
    "CREATE TABLE IF NOT EXISTS writes (
        key TEXT PRIMARY KEY,
        user INTEGER NOT NULL,
        title INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        seconds INTEGER NOT NULL,
        result_sequence INTEGER NOT NULL,
        result_seconds INTEGER NOT NULL,
        written INTEGER NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS writes_written ON writes (written)",
];

/// For how long a key and its result are kept: no client repeats a write a day later.
pub(super) const KEYS_STAY_SECONDS: i64 = 24 * 60 * 60;

/// How many keys are forgotten in one transaction: the lock must be free again long before
/// anybody's patience with it ends.
const FORGET_AT_ONCE: i64 = 500;

/// Playback's store in SQLite.
#[derive(Debug, Clone)]
pub struct SqlitePlayback {
    store: Store,
}

impl SqlitePlayback {
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
impl PlaybackStore for SqlitePlayback {
    async fn start(&self, start: &StartStream) -> Result<StartedStream, StreamError> {
        let now = unix_seconds();
        let until = now.saturating_add(start.lease_seconds);
        let mut writing = self.store.writer.begin_with("BEGIN IMMEDIATE").await?;
        // A repeated start with the same id is the same start.
        let earlier = sqlx::query("SELECT user, device, title FROM streams WHERE stream = ?")
            .bind(&start.stream)
            .fetch_optional(&mut *writing)
            .await?;
        if let Some(earlier) = earlier {
            let same = earlier.try_get::<u32, _>("user")? == start.user
                && earlier.try_get::<String, _>("device")? == start.device
                && earlier.try_get::<u32, _>("title")? == start.title;
            if !same {
                return Err(StreamError::KeyReused);
            }
        }
        let others: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM streams WHERE user = ? AND device != ? AND until > ?",
        )
        .bind(start.user)
        .bind(&start.device)
        .bind(now)
        .fetch_one(&mut *writing)
        .await?;
        if others >= i64::from(start.limit) {
            return Err(StreamError::TooMany);
        }
        sqlx::query(
            "INSERT INTO streams (stream, user, device, title, until) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (user, device) DO UPDATE SET
               stream = excluded.stream, title = excluded.title, until = excluded.until",
        )
        .bind(&start.stream)
        .bind(start.user)
        .bind(&start.device)
        .bind(start.title)
        .bind(until)
        .execute(&mut *writing)
        .await?;
        writing.commit().await?;
        Ok(StartedStream {
            stream: start.stream.clone(),
            until,
        })
    }

    async fn renew(&self, stream: &str, lease_seconds: i64) -> anyhow::Result<Option<i64>> {
        let now = unix_seconds();
        let until = now.saturating_add(lease_seconds);
        let renewed = sqlx::query("UPDATE streams SET until = ? WHERE stream = ? AND until > ?")
            .bind(until)
            .bind(stream)
            .bind(now)
            .execute(&self.store.writer)
            .await?;
        Ok((renewed.rows_affected() > 0).then_some(until))
    }

    async fn stop(&self, stream: &str) -> anyhow::Result<bool> {
        let stopped = sqlx::query("DELETE FROM streams WHERE stream = ?")
            .bind(stream)
            .execute(&self.store.writer)
            .await?;
        Ok(stopped.rows_affected() > 0)
    }

    async fn save(&self, write: &PositionWrite) -> Result<Position, WriteError> {
        let (user, title) = (write.user, write.position.title);
        let sequence = i64::try_from(write.position.sequence)?;
        let seconds = i64::try_from(write.position.seconds)?;
        let mut writing = self.store.writer.begin_with("BEGIN IMMEDIATE").await?;
        let earlier = sqlx::query("SELECT * FROM writes WHERE key = ?")
            .bind(&write.key)
            .fetch_optional(&mut *writing)
            .await?;
        if let Some(earlier) = earlier {
            let same = earlier.try_get::<u32, _>("user")? == user
                && earlier.try_get::<u32, _>("title")? == title
                && earlier.try_get::<i64, _>("sequence")? == sequence
                && earlier.try_get::<i64, _>("seconds")? == seconds;
            if !same {
                return Err(WriteError::KeyReused);
            }
            return Ok(Position {
                title,
                sequence: unsigned(earlier.try_get("result_sequence")?),
                seconds: unsigned(earlier.try_get("result_seconds")?),
            });
        }
        sqlx::query(
            "INSERT INTO positions (user, title, sequence, seconds, saved)
             VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (user, title) DO UPDATE SET
               sequence = excluded.sequence, seconds = excluded.seconds, saved = excluded.saved
             WHERE excluded.sequence > positions.sequence",
        )
        .bind(user)
        .bind(title)
        .bind(sequence)
        .bind(seconds)
        .bind(unix_milliseconds())
        .execute(&mut *writing)
        .await?;
        let row = sqlx::query(
            "SELECT title, sequence, seconds FROM positions WHERE user = ? AND title = ?",
        )
        .bind(user)
        .bind(title)
        .fetch_one(&mut *writing)
        .await?;
        let stored = position(&row)?;
        sqlx::query("INSERT INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(&write.key)
            .bind(user)
            .bind(title)
            .bind(sequence)
            .bind(seconds)
            .bind(i64::try_from(stored.sequence)?)
            .bind(i64::try_from(stored.seconds)?)
            .bind(unix_seconds())
            .execute(&mut *writing)
            .await?;
        writing.commit().await?;
        Ok(stored)
    }

    async fn positions(&self, user: u32) -> anyhow::Result<Vec<Position>> {
        sqlx::query(
            "SELECT title, sequence, seconds FROM positions WHERE user = ?
             ORDER BY saved DESC, title LIMIT 100",
        )
        .bind(user)
        .fetch_all(&self.store.readers)
        .await?
        .iter()
        .map(position)
        .collect()
    }

    async fn position(&self, user: u32, title: u32) -> anyhow::Result<Option<Position>> {
        sqlx::query("SELECT title, sequence, seconds FROM positions WHERE user = ? AND title = ?")
            .bind(user)
            .bind(title)
            .fetch_optional(&self.store.readers)
            .await?
            .map(|row| position(&row))
            .transpose()
    }

    async fn forget_ended(&self) -> anyhow::Result<()> {
        let now = unix_seconds();
        sqlx::query("DELETE FROM streams WHERE until <= ?")
            .bind(now)
            .execute(&self.store.writer)
            .await?;
        loop {
            let forgotten = sqlx::query(
                "DELETE FROM writes WHERE key IN
                   (SELECT key FROM writes WHERE written < ? LIMIT ?)",
            )
            .bind(now.saturating_sub(KEYS_STAY_SECONDS))
            .bind(FORGET_AT_ONCE)
            .execute(&self.store.writer)
            .await?;
            if forgotten.rows_affected() == 0 {
                return Ok(());
            }
        }
    }
}

fn position(row: &sqlx::sqlite::SqliteRow) -> anyhow::Result<Position> {
    Ok(Position {
        title: row.try_get("title")?,
        sequence: unsigned(row.try_get("sequence")?),
        seconds: unsigned(row.try_get("seconds")?),
    })
}

/// Only numbers that were checked get into the file.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
