//! How SQLite is opened everywhere.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// How long a statement waits for another process's lock: less than the 250 ms that a caller
/// gives one attempt, so that the caller hears of it.
const BUSY_TIMEOUT: Duration = Duration::from_millis(150);

/// How long a statement waits for this process's own connection. A caller has given up long
/// before; without a limit, a lock that another process holds would build up a queue of writes
/// that nobody waits for.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);

/// How many statements read at once; each connection has a thread and a cache of its own.
const READERS: u32 = 2;

/// A store that changes: one connection that writes, a few that read.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
}

impl Store {
    /// Opens a file, makes it if it is not there, and applies `schema` statement by statement;
    /// each must be one that may be repeated and that takes no lock once it was applied, so that
    /// a process can start while another one writes.
    ///
    /// Set-up makes the file: of two processes that make it at once, one may find it locked,
    /// since nobody waits for the lock under which a new file gets its write-ahead log.
    pub(crate) async fn open(path: &Path, schema: &[&'static str]) -> anyhow::Result<Self> {
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options(path).create_if_missing(true))
            .await
            .with_context(|| format!("cannot open {}", path.display()))?;
        for statement in schema {
            sqlx::query(*statement).execute(&writer).await?;
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options(path).read_only(true))
            .await
            .with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { writer, readers })
    }

    /// Closes the file; the write-ahead log is folded into it and goes away.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A new file that will be read-only once it is complete.
pub(crate) async fn create(path: &Path) -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Delete)
        .synchronous(SqliteSynchronous::Off);
    SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .with_context(|| format!("cannot create {}", path.display()))
}

/// A complete file that nobody changes any more.
pub(crate) async fn open_read_only(path: &Path) -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true);
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_with(options)
        .await
        .with_context(|| {
            format!(
                "cannot open {}: make it with `demo-services setup`",
                path.display()
            )
        })
}

/// WAL lets readers read while one writes. With it, NORMAL loses nothing when a process is
/// killed; only a loss of power could cost the last transactions.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
}
