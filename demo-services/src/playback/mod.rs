//! Streams, manifests and positions.

mod manifest;
mod plan;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::metadata::Catalogue;
use crate::shell::{ServiceParts, Shell};
use crate::store::{PlaybackStore, SqlitePlayback};

use manifest::ManifestKey;

/// Puts playback together.
///
/// # Errors
///
/// When the data folder was not set up.
pub async fn parts(shell: Shell) -> anyhow::Result<ServiceParts> {
    let data = &shell.settings.data;
    let key_path = data.join("keys").join("manifest.key");
    let key = std::fs::read(&key_path).with_context(|| {
        format!(
            "cannot read {}: make it with `demo-services setup`",
            key_path.display()
        )
    })?;
    let playback = routes::Playback {
        store: Arc::new(SqlitePlayback::open(&data.join("playback.sqlite")).await?),
        catalogue: Catalogue::open(&data.join("catalogue.sqlite")).await?,
        key: ManifestKey::new(&key),
    };
    keep_tidy(Arc::clone(&playback.store));
    let router = routes::router(Arc::new(playback));
    Ok(ServiceParts::internal("playback", &shell, router)?)
}

/// How often what has ended is forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);

/// In the background, since nobody waits for it and a lock elsewhere may keep it from working.
fn keep_tidy(store: Arc<dyn PlaybackStore>) {
    tokio::spawn(async move {
        loop {
            if let Err(error) = store.forget_ended().await {
                tracing::debug!("nothing forgotten: {error:#}");
            }
            tokio::time::sleep(TIDY_EVERY).await;
        }
    });
}
