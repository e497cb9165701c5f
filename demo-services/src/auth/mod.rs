//! Logins, tokens and keys.

mod login;
mod password;
mod routes;
mod signer;
pub mod verify;

use std::sync::Arc;

use anyhow::Context;

use crate::shell::{ServiceParts, Shell};
use crate::store::SqliteAuth;

pub(crate) use password::hash;
pub(crate) use signer::fresh_key;

/// Puts auth together.
///
/// # Errors
///
/// When the data folder was not set up.
pub async fn parts(shell: Shell) -> anyhow::Result<ServiceParts> {
    let path = shell.settings.data.join("auth.sqlite");
    anyhow::ensure!(
        path.exists(),
        "{} is not there: make it with `demo-services setup`",
        path.display()
    );
    let store = SqliteAuth::open(&path).await?;
    let auth = Arc::new(
        login::Auth::new(store)
            .await
            .context("cannot prepare logins")?,
    );
    let mut parts = ServiceParts::internal("auth", &shell, routes::router(Arc::clone(&auth)));
    parts.admin = Some(routes::admin(auth));
    Ok(parts)
}
