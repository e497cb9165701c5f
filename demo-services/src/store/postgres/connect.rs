//! How PostgreSQL is connected to.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, Error, PgPool};

use super::tables;
use crate::shell::DatabaseUrl;

/// How many statements a replica runs at once. A small server takes 100 connections in all.
const CONNECTIONS: u32 = 5;

/// How long a statement waits for a connection, as with SQLite.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection that is given back may take to prove that it still answers.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(1);

/// What holds for every statement of a service. A lock is waited for as long as with SQLite; what
/// stops in the middle of a transaction, such as a paused replica, holds its locks only for a
/// while; a peer that is gone without a word is noticed.
const SERVICE: [(&str, &str); 5] = [
    ("default_transaction_isolation", "read committed"),
    ("lock_timeout", "150ms"),
    ("statement_timeout", "500ms"),
    ("idle_in_transaction_session_timeout", "1s"),
    ("tcp_keepalives_idle", "15"),
];

/// What holds for set-up, which may wait.
const SET_UP: [(&str, &str); 4] = [
    ("default_transaction_isolation", "read committed"),
    ("lock_timeout", "0"),
    ("statement_timeout", "0"),
    ("tcp_keepalives_idle", "15"),
];

/// The parameters that a URL may have. An unknown one would be passed over, and shown in the log.
const PARAMETERS: [&str; 9] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "application_name",
    "options",
];

/// What is said of any other mistake.
const UNREADABLE: &str = "the URL of the database cannot be read: give \
     postgres://USER:PASSWORD@HOST/NAME, with signs such as `@`, `/`, `?` and `%` of the password \
     as `%40`, `%2F`, `%3F` and `%25`";

/// The connections of a service. A server that is away is waited for by whoever asks; one that
/// refuses, or that was not set up, is an error at once.
///
/// A connection is tried before it is used, so that after a restart of the server the broken ones
/// are replaced by themselves.
pub(super) async fn service(url: &DatabaseUrl) -> anyhow::Result<PgPool> {
    let options = options(url)?.options(SERVICE);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_release(|connection, _| {
            Box::pin(async move {
                // Without a limit, a connection to a server that is gone would never be given back.
                let answer = tokio::time::timeout(RELEASE_TIMEOUT, connection.ping()).await;
                Ok(matches!(answer, Ok(Ok(()))))
            })
        })
        .connect_lazy_with(options);
    match tables::check(&pool).await {
        Ok(()) => {}
        Err(error) if error.downcast_ref().is_some_and(is_away) => {
            tracing::warn!("PostgreSQL does not answer yet: {error}");
        }
        Err(error) => return Err(error),
    }
    Ok(pool)
}

/// The connections of a set-up: one that holds the lock, and one that works.
pub(super) fn set_up(url: &DatabaseUrl) -> anyhow::Result<PgPool> {
    Ok(PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options(url)?.options(SET_UP)))
}

/// Whether the server cannot be reached, as opposed to one that refuses.
pub(super) fn is_away(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::PoolTimedOut => true,
        Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}

fn options(url: &DatabaseUrl) -> anyhow::Result<PgConnectOptions> {
    let url = url.reveal();
    let rest = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
        .context(
            "the URL of the database is none of PostgreSQL: give postgres://USER:PASSWORD@HOST/NAME",
        )?;
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    // Before a bare `@` it is no parameter that begins but the rest of a password.
    anyhow::ensure!(!query.contains('@'), UNREADABLE);
    for (key, _) in form_urlencoded::parse(query.as_bytes()) {
        let is_known = PARAMETERS.contains(&key.as_ref()) || key.starts_with("options[");
        anyhow::ensure!(
            is_known,
            "the URL of the database has the unknown parameter `{key}`: known are {}",
            PARAMETERS.join(", ")
        );
    }
    // What the parser says may repeat a part of the URL.
    let options = PgConnectOptions::from_str(url).ok().context(UNREADABLE)?;
    Ok(match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("demo-services"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> anyhow::Result<PgConnectOptions> {
        options(&url.parse().unwrap())
    }

    #[test]
    fn a_url_with_all_its_parts_is_read() {
        let url =
            "postgres://ana:p%40ss@db.example:6432/mesh?sslmode=require&options[search_path]=a";
        let options = read(url).unwrap();
        assert_eq!(options.get_host(), "db.example");
        assert_eq!(options.get_port(), 6432);
        assert_eq!(options.get_username(), "ana");
        assert_eq!(options.get_database(), Some("mesh"));
        assert!(read("postgresql://db.example").is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for (url, said) in [
            ("mysql://u:secret@h/d", "none of PostgreSQL"),
            ("u:secret@h/d", "none of PostgreSQL"),
            ("postgres://u:secret@h:port/d", "cannot be read"),
            ("postgres://u:secret/@h/d", "cannot be read"),
            ("postgres://u:p?secret@h/d", "cannot be read"),
            ("postgres://u:p@h/d?sslmode=secret", "cannot be read"),
            ("postgres://u:p@h/d?pasword=secret", "`pasword`"),
            ("postgres://u:p@h/d?password=secret", "`password`"),
        ] {
            let error = format!("{:#}", read(url).unwrap_err());
            assert!(error.contains(said), "{url}: {error}");
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }
}
