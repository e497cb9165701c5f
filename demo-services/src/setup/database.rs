//! The tables of a PostgreSQL, a key to sign with, and users.

use std::path::PathBuf;

use anyhow::Context;

use crate::shell::DatabaseSettings;

/// Make the tables of a PostgreSQL, a key to sign with, and the users that are missing.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Which PostgreSQL.
    #[command(flatten)]
    pub database: DatabaseSettings,

    /// Users to add unless they are there: users.jsonl as `demo-services setup` writes it
    #[arg(long, env = "APLOMB_USERS_FILE", value_name = "FILE")]
    pub users_file: Option<PathBuf>,
}

/// Adds to the database what it lacks, and says what that was. Several may run at once: one waits
/// for the other.
///
/// # Errors
///
/// No database, one that refuses or stays away, or a file that holds no users.
#[cfg_attr(
    not(feature = "postgres"),
    allow(clippy::unused_async, reason = "without the feature it only refuses")
)]
pub async fn command(arguments: Arguments) -> anyhow::Result<()> {
    let url = arguments.database.url()?.context(
        "give --database-url (APLOMB_DATABASE_URL) or --database-url-file \
         (APLOMB_DATABASE_URL_FILE)",
    )?;
    #[cfg(feature = "postgres")]
    set_up(&url, arguments.users_file.as_deref()).await?;
    drop(url);
    Ok(())
}

#[cfg(feature = "postgres")]
async fn set_up(
    url: &crate::shell::DatabaseUrl,
    users_file: Option<&std::path::Path>,
) -> anyhow::Result<()> {
    use super::{seed, users};
    use crate::store::PostgresSetUp;

    let users = users_file.map(users::read).transpose()?.unwrap_or_default();
    let turn = PostgresSetUp::begin(url).await?;
    if turn.has_made_tables() {
        println!("made the tables");
    }
    let auth = turn.auth();
    if seed::add_key(&auth).await? {
        println!("added a key to sign with");
    }
    let added = seed::add_users(&auth, &users).await?;
    println!("added {added} of {} users", users.len());
    turn.end().await
}
