//! The routes of auth.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::login::{Auth, Tokens};
use super::signer::{key_set, next_key};
use crate::shell::{JsonBody, JsonError, JsonResult, MAXIMUM_BODY_BYTES};

#[derive(Deserialize)]
struct Login {
    name: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefreshToken {
    refresh_token: String,
}

pub(super) fn router(auth: Arc<Auth>) -> Router {
    Router::new()
        .route("/v1/login", post(login))
        .route("/v1/refresh", post(refresh))
        .route("/v1/revoke", post(revoke))
        .route("/v1/keys", get(keys))
        .route("/v1/revocations", get(revocations))
        .layer(DefaultBodyLimit::max(MAXIMUM_BODY_BYTES))
        .with_state(auth)
}

/// `POST /admin/keys/rotate`: publish a new key now, and sign with it soon.
pub(super) fn admin(auth: Arc<Auth>) -> Router {
    Router::new()
        .route("/keys/rotate", post(rotate))
        .with_state(auth)
}

async fn login(
    State(auth): State<Arc<Auth>>,
    JsonBody(login): JsonBody<Login>,
) -> JsonResult<Json<Tokens>> {
    auth.login(&login.name, login.password).await.map(Json)
}

async fn refresh(
    State(auth): State<Arc<Auth>>,
    JsonBody(token): JsonBody<RefreshToken>,
) -> JsonResult<Json<Tokens>> {
    auth.refresh(&token.refresh_token).await.map(Json)
}

async fn revoke(
    State(auth): State<Arc<Auth>>,
    JsonBody(token): JsonBody<RefreshToken>,
) -> JsonResult<StatusCode> {
    auth.revoke(&token.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keys(State(auth): State<Arc<Auth>>) -> JsonResult<Json<Value>> {
    let keys = auth
        .store
        .signing_keys()
        .await
        .map_err(JsonError::internal)?;
    key_set(&keys).map(Json).map_err(JsonError::internal)
}

async fn revocations(State(auth): State<Arc<Auth>>) -> JsonResult<Json<Value>> {
    let revoked = auth.store.revoked().await.map_err(JsonError::internal)?;
    let revoked: Vec<_> = revoked
        .iter()
        .map(|one| json!({"session": one.session, "untilUnixSeconds": one.until}))
        .collect();
    Ok(Json(json!({"revoked": revoked})))
}

async fn rotate(State(auth): State<Arc<Auth>>) -> JsonResult<Json<Value>> {
    let key = next_key();
    auth.store
        .add_signing_key(&key)
        .await
        .map_err(JsonError::internal)?;
    Ok(Json(
        json!({"kid": key.id, "signsFromUnixSeconds": key.signs_from}),
    ))
}

#[cfg(test)]
mod tests;
