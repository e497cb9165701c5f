//! Streams and positions in PostgreSQL.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::{Turn, connect, forget, large, now, small, within};
use crate::shell::DatabaseUrl;
use crate::store::playback::KEYS_STAY_SECONDS;
use crate::store::{
    PlaybackStore, Position, PositionWrite, StartStream, StartedStream, StreamError, WriteError,
    unix_milliseconds, unix_seconds,
};

/// Playback's store in PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresPlayback {
    pool: PgPool,
}

impl PostgresPlayback {
    /// Connects; the tables have to be there.
    ///
    /// # Errors
    ///
    /// A URL that cannot be, a server that refuses, or a database that was not set up. A server
    /// that does not answer is no error: it is tried again with every call.
    pub async fn open(url: &DatabaseUrl) -> anyhow::Result<Self> {
        Ok(Self {
            pool: connect::service(url).await?,
        })
    }

    /// One statement, so that all of it happens or nothing. The row of another attempt at the
    /// same write that happens meanwhile violates the uniqueness of the key.
    async fn save_once(
        &self,
        write: &PositionWrite,
        sequence: i64,
        seconds: i64,
    ) -> Result<PgRow, sqlx::Error> {
        sqlx::query(
            "WITH earlier AS (
               SELECT user_id, title, sequence, seconds, result_sequence, result_seconds
               FROM writes WHERE key = $1
             ), stored AS (
               INSERT INTO positions AS present (user_id, title, sequence, seconds, saved)
               SELECT $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT FROM earlier)
               ON CONFLICT (user_id, title) DO UPDATE SET
                 sequence = greatest(present.sequence, excluded.sequence),
                 seconds = CASE WHEN excluded.sequence > present.sequence
                   THEN excluded.seconds ELSE present.seconds END,
                 saved = CASE WHEN excluded.sequence > present.sequence
                   THEN excluded.saved ELSE present.saved END
               RETURNING sequence, seconds
             ), written AS (
               INSERT INTO writes (key, user_id, title, sequence, seconds,
                 result_sequence, result_seconds, written)
               SELECT $1, $2, $3, $4, $5, stored.sequence, stored.seconds, $7 FROM stored
               RETURNING user_id, title, sequence, seconds, result_sequence, result_seconds
             )
             SELECT * FROM earlier UNION ALL SELECT * FROM written",
        )
        .bind(&write.key)
        .bind(i64::from(write.user))
        .bind(i64::from(write.position.title))
        .bind(sequence)
        .bind(seconds)
        .bind(unix_milliseconds())
        .bind(unix_seconds())
        .fetch_one(&self.pool)
        .await
    }
}

#[async_trait]
impl PlaybackStore for PostgresPlayback {
    async fn start(&self, start: &StartStream) -> Result<StartedStream, StreamError> {
        within(async {
            let mut writing = self.pool.begin().await?;
            // One of a user's streams after the other, or two at once would both find room.
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(Turn::Streams.of(start.user))
                .execute(&mut *writing)
                .await?;
            // A repeated start with the same id is the same start.
            let earlier =
                sqlx::query("SELECT user_id, device, title FROM streams WHERE stream = $1")
                    .bind(&start.stream)
                    .fetch_optional(&mut *writing)
                    .await?;
            if let Some(earlier) = earlier {
                let same = small(&earlier, "user_id")? == start.user
                    && earlier.try_get::<String, _>("device")? == start.device
                    && small(&earlier, "title")? == start.title;
                if !same {
                    return Err(StreamError::KeyReused);
                }
            }
            let others: i64 = sqlx::query_scalar(concat!(
                "SELECT count(*) FROM streams WHERE user_id = $1 AND device <> $2 AND until > ",
                now!(),
            ))
            .bind(i64::from(start.user))
            .bind(&start.device)
            .fetch_one(&mut *writing)
            .await?;
            if others >= i64::from(start.limit) {
                return Err(StreamError::TooMany);
            }
            let until = sqlx::query_scalar(concat!(
                "INSERT INTO streams (stream, user_id, device, title, until)
                 VALUES ($1, $2, $3, $4, $5 + ",
                now!(),
                ")
                 ON CONFLICT (user_id, device) DO UPDATE SET
                   stream = excluded.stream, title = excluded.title, until = excluded.until
                 RETURNING until",
            ))
            .bind(&start.stream)
            .bind(i64::from(start.user))
            .bind(&start.device)
            .bind(i64::from(start.title))
            .bind(start.lease_seconds)
            .fetch_one(&mut *writing)
            .await?;
            writing.commit().await?;
            Ok(StartedStream {
                stream: start.stream.clone(),
                until,
            })
        })
        .await
    }

    async fn renew(&self, stream: &str, lease_seconds: i64) -> anyhow::Result<Option<i64>> {
        within(async {
            let renewing = sqlx::query_scalar(concat!(
                "UPDATE streams SET until = $1 + ",
                now!(),
                " WHERE stream = $2 AND until > ",
                now!(),
                " RETURNING until",
            ));
            let renewing = renewing.bind(lease_seconds).bind(stream);
            Ok(renewing.fetch_optional(&self.pool).await?)
        })
        .await
    }

    async fn stop(&self, stream: &str) -> anyhow::Result<bool> {
        within(async {
            let stopped = sqlx::query("DELETE FROM streams WHERE stream = $1")
                .bind(stream)
                .execute(&self.pool)
                .await?;
            Ok(stopped.rows_affected() > 0)
        })
        .await
    }

    async fn save(&self, write: &PositionWrite) -> Result<Position, WriteError> {
        let sequence = i64::try_from(write.position.sequence)?;
        let seconds = i64::try_from(write.position.seconds)?;
        within(async {
            let row = match self.save_once(write, sequence, seconds).await {
                // The other attempt has committed: this time its row is found.
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                    self.save_once(write, sequence, seconds).await?
                }
                saved => saved?,
            };
            let same = small(&row, "user_id")? == write.user
                && small(&row, "title")? == write.position.title
                && large(&row, "sequence")? == write.position.sequence
                && large(&row, "seconds")? == write.position.seconds;
            if !same {
                return Err(WriteError::KeyReused);
            }
            Ok(Position {
                title: write.position.title,
                sequence: large(&row, "result_sequence")?,
                seconds: large(&row, "result_seconds")?,
            })
        })
        .await
    }

    async fn positions(&self, user: u32) -> anyhow::Result<Vec<Position>> {
        within(async {
            sqlx::query(
                "SELECT title, sequence, seconds FROM positions WHERE user_id = $1
                 ORDER BY saved DESC, title LIMIT 100",
            )
            .bind(i64::from(user))
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(position)
            .collect()
        })
        .await
    }

    async fn position(&self, user: u32, title: u32) -> anyhow::Result<Option<Position>> {
        within(async {
            sqlx::query(
                "SELECT title, sequence, seconds FROM positions WHERE user_id = $1 AND title = $2",
            )
            .bind(i64::from(user))
            .bind(i64::from(title))
            .fetch_optional(&self.pool)
            .await?
            .map(|row| position(&row))
            .transpose()
        })
        .await
    }

    async fn forget_ended(&self) -> anyhow::Result<()> {
        let now = unix_seconds();
        // What somebody else has locked is left for the next time.
        let streams = "DELETE FROM streams WHERE stream IN (
               SELECT stream FROM streams WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
             )";
        forget(&self.pool, streams, now).await?;
        let writes = "DELETE FROM writes WHERE key IN (
               SELECT key FROM writes WHERE written < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
             )";
        forget(&self.pool, writes, now.saturating_sub(KEYS_STAY_SECONDS)).await
    }
}

fn position(row: &PgRow) -> anyhow::Result<Position> {
    Ok(Position {
        title: small(row, "title")?,
        sequence: large(row, "sequence")?,
        seconds: large(row, "seconds")?,
    })
}
