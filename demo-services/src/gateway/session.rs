//! Who is asking: the bearer token, verified with the kept keys, so that auth may be away.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::Gateway;
use crate::auth::verify::verify;
use crate::shell::JsonError;

/// A user whose token is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) plan: String,
}

impl FromRequestParts<Arc<Gateway>> for User {
    type Rejection = JsonError;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> Result<Self, Self::Rejection> {
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| JsonError::unauthorized("send `Authorization: Bearer …`: log in"))?;
        let (Some(keys), Some(revocations)) = (
            gateway.stand_ins.keys.get(),
            gateway.stand_ins.revocations.get(),
        ) else {
            return Err(JsonError::internal("no keys yet"));
        };
        let claims = verify(token, &keys, &revocations)
            .map_err(|_| JsonError::unauthorized("the token is not good: log in again"))?;
        let id = claims
            .sub
            .parse()
            .map_err(|_| JsonError::unauthorized("the token names nobody: log in again"))?;
        Ok(Self {
            id,
            plan: claims.plan,
        })
    }
}
