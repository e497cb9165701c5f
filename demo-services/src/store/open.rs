//! Opens what a service keeps: in PostgreSQL if it was given one, else in its data folder.

use std::path::PathBuf;
use std::sync::Arc;

use super::{AuthStore, OutboxStore, PlaybackStore, SqliteAuth, SqliteOutbox, SqlitePlayback};
#[cfg(feature = "postgres")]
use super::{PostgresAuth, PostgresOutbox, PostgresPlayback};
use crate::shell::{DatabaseSettings, ServiceSettings};

/// Opens what auth keeps.
///
/// # Errors
///
/// A database that refuses, or a data folder that was not set up.
pub async fn auth(
    service: &ServiceSettings,
    database: &DatabaseSettings,
) -> anyhow::Result<Arc<dyn AuthStore>> {
    let url = database.url()?;
    #[cfg(feature = "postgres")]
    if let Some(url) = &url {
        return Ok(Arc::new(PostgresAuth::open(url).await?));
    }
    drop(url);
    let path = file(service, "auth.sqlite")?;
    anyhow::ensure!(
        path.exists(),
        "{} is not there: make it with `demo-services setup`",
        path.display()
    );
    Ok(Arc::new(SqliteAuth::open(&path).await?))
}

/// Opens what playback keeps.
///
/// # Errors
///
/// A database that refuses, or a data folder that cannot be used.
pub async fn playback(
    service: &ServiceSettings,
    database: &DatabaseSettings,
) -> anyhow::Result<Arc<dyn PlaybackStore>> {
    let url = database.url()?;
    #[cfg(feature = "postgres")]
    if let Some(url) = &url {
        return Ok(Arc::new(PostgresPlayback::open(url).await?));
    }
    drop(url);
    let path = file(service, "playback.sqlite")?;
    Ok(Arc::new(SqlitePlayback::open(&path).await?))
}

/// Opens the outbox of the gateways.
///
/// # Errors
///
/// A database that refuses, or a data folder that cannot be used.
pub async fn outbox(
    service: &ServiceSettings,
    database: &DatabaseSettings,
) -> anyhow::Result<Arc<dyn OutboxStore>> {
    let url = database.url()?;
    #[cfg(feature = "postgres")]
    if let Some(url) = &url {
        return Ok(Arc::new(PostgresOutbox::open(url).await?));
    }
    drop(url);
    let path = file(service, "outbox.sqlite")?;
    Ok(Arc::new(SqliteOutbox::open(&path).await?))
}

fn file(service: &ServiceSettings, name: &str) -> anyhow::Result<PathBuf> {
    Ok(service.data()?.join(name))
}
