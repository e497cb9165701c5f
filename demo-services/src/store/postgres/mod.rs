//! The second dialect: PostgreSQL, which the replicas of many nodes share.
//!
//! Whatever can be one statement is one, so that a connection that breaks leaves nothing half
//! done and a replica that is paused holds no lock. What has to look before it writes takes turns
//! by advisory locks, each in a statement of its own: what comes after it sees what the one before
//! has committed.

mod auth;
mod connect;
mod outbox;
mod playback;
mod set_up;
mod tables;

pub use auth::PostgresAuth;
pub use outbox::PostgresOutbox;
pub use playback::PostgresPlayback;
pub use set_up::PostgresSetUp;

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

/// The seconds since 1970 by the clock of the database: those of many nodes differ.
macro_rules! now {
    () => {
        "floor(extract(epoch from now()))::bigint"
    };
}
use now;

/// How long a call may take in all. The server ends a statement long before; this is for the
/// server that is gone without a word, whose connections would wait for many minutes.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// How many rows are forgotten in one statement, so that it ends in time.
const FORGET_AT_ONCE: i64 = 500;

/// Who takes turns: the upper half of an advisory lock's number, over a user's or nothing.
#[derive(Debug, Clone, Copy)]
enum Turn {
    SetUp = 0x0061_706c,
    Keys,
    Streams,
}

impl Turn {
    /// The number of the lock, for one of many.
    const fn of(self, one: u32) -> i64 {
        ((self as i64) << 32) | one as i64
    }
}

/// Does the work of a call within its time limit.
async fn within<T, E: From<anyhow::Error>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(TIME_LIMIT, work)
        .await
        .unwrap_or_else(|_| {
            Err(anyhow::anyhow!("PostgreSQL did not answer within {TIME_LIMIT:?}").into())
        })
}

/// Repeats a statement that deletes up to [`FORGET_AT_ONCE`] rows of what ended before `time`,
/// until there are none.
async fn forget(pool: &PgPool, statement: &'static str, time: i64) -> anyhow::Result<()> {
    loop {
        let forgotten = within(async {
            let deleting = sqlx::query(statement).bind(time).bind(FORGET_AT_ONCE);
            anyhow::Ok(deleting.execute(pool).await?.rows_affected())
        })
        .await?;
        if forgotten == 0 {
            return Ok(());
        }
    }
}

/// A number of which PostgreSQL knows no unsigned form.
fn small(row: &PgRow, column: &str) -> anyhow::Result<u32> {
    Ok(u32::try_from(row.try_get::<i64, _>(column)?)?)
}

/// The same, twice as long.
fn large(row: &PgRow, column: &str) -> anyhow::Result<u64> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?)?)
}
