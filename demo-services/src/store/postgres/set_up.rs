//! Set-up of a database, by one at a time.

use std::time::Duration;

use anyhow::Context;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgPool, Postgres};
use tokio::time::{Instant, sleep};

use super::{PostgresAuth, Turn, connect, tables};
use crate::shell::DatabaseUrl;

/// How long a server that does not answer is waited for.
const SERVER_WITHIN: Duration = Duration::from_secs(30);

/// How long another set-up is waited for: it may have many passwords to hash.
const TURN_WITHIN: Duration = Duration::from_secs(300);

/// How often it is tried again.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// The turn of this set-up; others wait until it ends, or until its connection breaks.
#[derive(Debug)]
pub struct PostgresSetUp {
    pool: PgPool,
    /// Whose session holds the lock.
    lock: PoolConnection<Postgres>,
    has_made_tables: bool,
}

impl PostgresSetUp {
    /// Waits for the server and for its turn, and makes the tables unless they are there.
    ///
    /// # Errors
    ///
    /// A server that refuses or stays away, or another set-up that does not end.
    pub async fn begin(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let pool = connect::set_up(url)?;
        let mut lock = connect(&pool).await?;
        take_turn(&mut lock).await?;
        let has_made_tables = tables::make(&mut lock).await?;
        Ok(Self {
            pool,
            lock,
            has_made_tables,
        })
    }

    /// Whether there were no tables before.
    pub const fn has_made_tables(&self) -> bool {
        self.has_made_tables
    }

    /// What auth keeps, with as much time as it needs.
    pub fn auth(&self) -> PostgresAuth {
        PostgresAuth::on(self.pool.clone())
    }

    /// Lets the next one have its turn.
    ///
    /// # Errors
    ///
    /// A connection that broke: nobody knows who else was here meanwhile.
    pub async fn end(self) -> anyhow::Result<()> {
        // Its session holds the lock: it ends with it.
        let mut connection = self.lock.detach();
        connection
            .ping()
            .await
            .context("the connection broke during set-up: run it again")?;
        connection.close().await?;
        self.pool.close().await;
        Ok(())
    }
}

async fn connect(pool: &PgPool) -> anyhow::Result<PoolConnection<Postgres>> {
    let begun = Instant::now();
    loop {
        match pool.acquire().await {
            Ok(connection) => return Ok(connection),
            Err(error) if connect::is_away(&error) && begun.elapsed() < SERVER_WITHIN => {
                tracing::debug!("PostgreSQL does not answer yet: {error}");
                sleep(TRY_EVERY).await;
            }
            Err(error) if connect::is_away(&error) => {
                return Err(error).with_context(|| {
                    format!("PostgreSQL does not answer within {SERVER_WITHIN:?}")
                });
            }
            Err(error) => return Err(error).context("PostgreSQL refuses"),
        }
    }
}

async fn take_turn(lock: &mut PoolConnection<Postgres>) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let is_mine: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(Turn::SetUp.of(0))
            .fetch_one(&mut **lock)
            .await?;
        if is_mine {
            return Ok(());
        }
        anyhow::ensure!(
            begun.elapsed() < TURN_WITHIN,
            "another set-up of this database has not ended within {TURN_WITHIN:?}"
        );
        sleep(TRY_EVERY).await;
    }
}
