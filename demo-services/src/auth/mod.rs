//! Logins, tokens and keys.

mod eddsa;
mod login;
mod password;
mod routes;
mod signer;
pub mod verify;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::shell::{DatabaseSettings, ServiceParts, Shell};
use crate::store;

pub(crate) use password::hash;
pub(crate) use signer::fresh_key;

/// Puts auth together.
///
/// # Errors
///
/// When the database or the data folder was not set up.
pub async fn parts(shell: Shell, database: DatabaseSettings) -> anyhow::Result<ServiceParts> {
    let store = store::open::auth(&shell.settings, &database).await?;
    let auth = Arc::new(
        login::Auth::new(store)
            .await
            .context("cannot prepare logins")?,
    );
    keep_tidy(Arc::clone(&auth));
    let mut parts = ServiceParts::internal("auth", &shell, routes::router(Arc::clone(&auth)))?;
    parts.admin = Some(routes::admin(auth));
    Ok(parts)
}

/// How often what has ended is forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);

/// In the background, since nobody waits for it and a lock elsewhere may keep it from working.
fn keep_tidy(auth: Arc<login::Auth>) {
    tokio::spawn(async move {
        loop {
            if let Err(error) = auth.store.forget_ended().await {
                tracing::debug!("nothing forgotten: {error:#}");
            }
            tokio::time::sleep(TIDY_EVERY).await;
        }
    });
}
