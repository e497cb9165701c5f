//! What login, refresh and revocation do.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::password::{Passwords, TooBusy};
use super::signer::{ACCESS_SECONDS, sign, signing_now};
use super::verify::LEEWAY_SECONDS;
use crate::shell::{JsonError, JsonResult};
use crate::store::{AuthStore, Refresh, StoredUser, unix_seconds};

/// How long a refresh token is good: 30 days.
const REFRESH_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Logs in, refreshes and revokes.
pub(super) struct Auth {
    pub(super) store: Arc<dyn AuthStore>,
    passwords: Passwords,
    /// A hash that no password has, so that an unknown name takes as long as a known one.
    nobody: String,
}

/// What a login or a refresh answers. No `Debug`: these are secrets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    access_token: String,
    refresh_token: String,
    expires_in_seconds: i64,
    user: PublicUser,
}

#[derive(Debug, Serialize)]
struct PublicUser {
    id: u32,
    name: String,
    plan: String,
}

impl Auth {
    pub(super) async fn new(store: Arc<dyn AuthStore>) -> anyhow::Result<Self> {
        let nobody = tokio::task::spawn_blocking(|| super::hash(&secret())).await??;
        Ok(Self {
            store,
            passwords: Passwords::new(),
            nobody,
        })
    }

    pub(super) async fn login(&self, name: &str, password: String) -> JsonResult<Tokens> {
        let user = self
            .store
            .user_by_name(name)
            .await
            .map_err(JsonError::internal)?;
        let hash = user
            .as_ref()
            .map_or(&self.nobody, |user| &user.password_hash);
        let right = self
            .passwords
            .verify(password, hash.clone())
            .await
            .map_err(busy_or_internal)?;
        let Some(user) = user.filter(|_| right) else {
            return Err(JsonError::unauthorized("wrong name or password"));
        };
        let refresh = Refresh {
            session: uuid::Uuid::new_v4().simple().to_string(),
            user: user.id,
        };
        let token = secret();
        self.store
            .begin_session(&digest(&token), &refresh, unix_seconds() + REFRESH_SECONDS)
            .await
            .map_err(JsonError::internal)?;
        self.tokens(&user, &refresh.session, token).await
    }

    pub(super) async fn refresh(&self, old: &str) -> JsonResult<Tokens> {
        let token = secret();
        let until = unix_seconds() + REFRESH_SECONDS;
        let refresh = self
            .store
            .rotate_refresh(&digest(old), &digest(&token), until)
            .await
            .map_err(JsonError::internal)?
            .ok_or_else(|| {
                JsonError::unauthorized("the refresh token is not good: log in again")
            })?;
        let user = self
            .store
            .user_by_id(refresh.user)
            .await
            .map_err(JsonError::internal)?
            .ok_or_else(|| JsonError::unauthorized("the user is gone"))?;
        self.tokens(&user, &refresh.session, token).await
    }

    pub(super) async fn revoke(&self, token: &str) -> JsonResult<()> {
        // As long as any verifier would take a token that was issued just now.
        let access_until = unix_seconds() + ACCESS_SECONDS + LEEWAY_SECONDS.cast_signed();
        let revoked = self
            .store
            .revoke(&digest(token), access_until)
            .await
            .map_err(JsonError::internal)?;
        if revoked {
            Ok(())
        } else {
            Err(JsonError::not_found("there is no such refresh token"))
        }
    }

    async fn tokens(
        &self,
        user: &StoredUser,
        session: &str,
        refresh: String,
    ) -> JsonResult<Tokens> {
        let keys = self
            .store
            .signing_keys()
            .await
            .map_err(JsonError::internal)?;
        let key = signing_now(&keys, unix_seconds())
            .ok_or_else(|| JsonError::internal("there is no signing key"))?;
        Ok(Tokens {
            access_token: sign(key, user, session).map_err(JsonError::internal)?,
            refresh_token: refresh,
            expires_in_seconds: ACCESS_SECONDS,
            user: PublicUser {
                id: user.id,
                name: user.name.clone(),
                plan: user.plan.clone(),
            },
        })
    }
}

fn busy_or_internal(error: anyhow::Error) -> JsonError {
    if error.is::<TooBusy>() {
        return JsonError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error.to_string());
    }
    JsonError::internal(error)
}

/// 128 random bits, twice.
fn secret() -> String {
    let (left, right) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    format!("{}{}", left.simple(), right.simple())
}

/// A refresh token is random enough that a plain digest keeps it.
fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
