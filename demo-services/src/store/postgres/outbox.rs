//! Positions that wait for playback in PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::{connect, large, now, small, within};
use crate::shell::DatabaseUrl;
use crate::store::{Claimed, OutboxEntry, OutboxStore, WriteError};

/// The outbox in PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresOutbox {
    pool: PgPool,
}

impl PostgresOutbox {
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
}

#[async_trait]
impl OutboxStore for PostgresOutbox {
    async fn enqueue(&self, entry: &OutboxEntry) -> Result<(), WriteError> {
        let sequence = i64::try_from(entry.sequence)?;
        let seconds = i64::try_from(entry.seconds)?;
        within(async {
            // The same entry again counts as one row touched, another one under its key as none.
            let kept = sqlx::query(
                "INSERT INTO outbox AS kept (key, user_id, title, sequence, seconds)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (user_id, key) DO UPDATE SET leased_until = kept.leased_until
                 WHERE kept.title = excluded.title AND kept.sequence = excluded.sequence
                   AND kept.seconds = excluded.seconds",
            )
            .bind(&entry.key)
            .bind(i64::from(entry.user))
            .bind(i64::from(entry.title))
            .bind(sequence)
            .bind(seconds)
            .execute(&self.pool)
            .await?;
            if kept.rows_affected() == 0 {
                return Err(WriteError::KeyReused);
            }
            Ok(())
        })
        .await
    }

    async fn claim(&self, limit: u32, lease: Duration) -> anyhow::Result<Vec<Claimed>> {
        let lease = i64::try_from(lease.as_secs())?.max(1);
        let rows = within(async {
            // What another gateway is just taking is passed over, not waited for.
            let taking = sqlx::query(concat!(
                "WITH due AS (
                   SELECT id FROM outbox WHERE leased_until <= ",
                now!(),
                "  ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
                 )
                 UPDATE outbox SET leased_until = $2 + ",
                now!(),
                " FROM due WHERE outbox.id = due.id
                 RETURNING outbox.id, key, user_id, title, sequence, seconds",
            ));
            let taking = taking.bind(i64::from(limit)).bind(lease);
            anyhow::Ok(taking.fetch_all(&self.pool).await?)
        })
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
        within(async {
            sqlx::query("DELETE FROM outbox WHERE id = $1")
                .bind(id)
                .execute(&self.pool)
                .await?;
            Ok(())
        })
        .await
    }

    async fn pending(&self, user: u32) -> anyhow::Result<Vec<OutboxEntry>> {
        within(async {
            sqlx::query(
                "SELECT key, user_id, title, sequence, seconds FROM outbox WHERE user_id = $1
                 ORDER BY id",
            )
            .bind(i64::from(user))
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(entry)
            .collect()
        })
        .await
    }
}

fn entry(row: &PgRow) -> anyhow::Result<OutboxEntry> {
    Ok(OutboxEntry {
        key: row.try_get("key")?,
        user: small(row, "user_id")?,
        title: small(row, "title")?,
        sequence: large(row, "sequence")?,
        seconds: large(row, "seconds")?,
    })
}
