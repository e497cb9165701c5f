//! Streams, manifests and positions.

mod manifest;
mod plan;
mod routes;

use std::sync::Arc;

use anyhow::Context;

use crate::metadata::Catalogue;
use crate::shell::{ServiceParts, Shell};
use crate::store::SqlitePlayback;

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
        store: SqlitePlayback::open(&data.join("playback.sqlite")).await?,
        catalogue: Catalogue::open(&data.join("catalogue.sqlite")).await?,
        key: ManifestKey::new(&key),
    };
    let router = routes::router(Arc::new(playback));
    Ok(ServiceParts::internal("playback", &shell, router))
}
