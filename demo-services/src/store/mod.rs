//! What changes: users and tokens, streams and positions, the outbox.
//!
//! Each is behind a trait, with SQLite behind that on one machine and PostgreSQL in a cluster.
//! Every write is committed before the call returns, and a SIGKILL at any instant leaves either
//! the old or the new state.

mod auth;
pub mod open;
mod outbox;
mod playback;
#[cfg(feature = "postgres")]
mod postgres;
pub(crate) mod sqlite;

pub use auth::{AuthStore, Refresh, Revoked, SigningKey, SqliteAuth, StoredUser};
pub use outbox::{Claimed, OutboxEntry, OutboxStore, SqliteOutbox};
pub use playback::{
    PlaybackStore, Position, PositionWrite, SqlitePlayback, StartStream, StartedStream,
    StreamError, WriteError,
};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresAuth, PostgresOutbox, PostgresPlayback, PostgresSetUp};

/// Seconds since 1970, by the wall clock: what is stored outlives the process.
pub fn unix_seconds() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// The same in milliseconds, for what is put in order by it.
fn unix_milliseconds() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
