//! Streams, manifests and positions.

mod manifest;
mod plan;
mod routes;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use crate::metadata::Catalogue;
use crate::shell::{ServiceParts, Shell};
use crate::store::{self, PlaybackStore};

pub use settings::PlaybackSettings;

/// Puts playback together.
///
/// # Errors
///
/// When the database or the data folder was not set up, or the key cannot be used.
pub async fn parts(shell: Shell, settings: PlaybackSettings) -> anyhow::Result<ServiceParts> {
    let data = shell.settings.data()?;
    let playback = routes::Playback {
        key: settings.manifest_key(data)?,
        store: store::open::playback(&shell.settings, &settings.database).await?,
        catalogue: Catalogue::open(&data.join("catalogue.sqlite")).await?,
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
