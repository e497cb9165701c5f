//! The routes of playback.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::manifest::ManifestKey;
use super::plan;
use crate::catalogue::Title;
use crate::metadata::Catalogue;
use crate::shell::{
    JsonBody, JsonError, JsonPath, JsonQuery, JsonResult, MAXIMUM_BODY_BYTES, idempotency_key,
};
use crate::store::{
    PlaybackStore, Position, PositionWrite, StartStream, StreamError, WriteError, unix_seconds,
};

/// How long a stream lives unless renewed: a few missed renewals of a player.
const LEASE_SECONDS: i64 = 60;

/// How long a manifest URL is good.
const MANIFEST_SECONDS: i64 = 300;

/// The longest name of a device, in bytes.
const MAXIMUM_NAME_BYTES: usize = 100;

pub(super) struct Playback {
    pub(super) store: Arc<dyn PlaybackStore>,
    pub(super) catalogue: Catalogue,
    pub(super) key: ManifestKey,
}

pub(super) fn router(playback: Arc<Playback>) -> Router {
    Router::new()
        .route("/v1/streams", post(start))
        .route("/v1/streams/{stream}", delete(stop))
        .route("/v1/streams/{stream}/renew", post(renew))
        .route("/v1/manifests/{title}", get(manifest))
        .route("/v1/positions", get(positions).put(save))
        .route("/v1/positions/{title}", get(position))
        .layer(DefaultBodyLimit::max(MAXIMUM_BODY_BYTES))
        .with_state(playback)
}

#[derive(Deserialize)]
struct Start {
    user: u32,
    plan: String,
    device: String,
    title: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    stream: String,
    manifest_url: String,
    expires_at_unix_seconds: i64,
    lease_seconds: i64,
}

async fn start(
    State(playback): State<Arc<Playback>>,
    headers: HeaderMap,
    JsonBody(start): JsonBody<Start>,
) -> JsonResult<Json<Started>> {
    if start.device.is_empty() || start.device.len() > MAXIMUM_NAME_BYTES {
        return Err(JsonError::bad_request(format!(
            "device must have 1 to {MAXIMUM_NAME_BYTES} bytes"
        )));
    }
    let title = playback.title(start.title).await?;
    let limit = plan::streams(&start.plan)
        .ok_or_else(|| JsonError::bad_request("plan must be basic, standard or premium"))?;
    if !plan::covers(&start.plan, title.premium) {
        return Err(JsonError::new(
            StatusCode::FORBIDDEN,
            "not-in-plan",
            "the plan does not cover this title",
        ));
    }
    // A repeated start is the same start: its stream has the same id.
    let stream = match idempotency_key(&headers)? {
        Some(key) => uuid_from(start.user, key),
        None => uuid::Uuid::new_v4().simple().to_string(),
    };
    let started = playback
        .store
        .start(&StartStream {
            stream,
            user: start.user,
            device: start.device,
            title: start.title,
            limit,
            lease_seconds: LEASE_SECONDS,
        })
        .await
        .map_err(|error| match error {
            StreamError::TooMany => JsonError::new(
                StatusCode::CONFLICT,
                "too-many-streams",
                format!("the plan allows {limit} at once"),
            ),
            StreamError::KeyReused => key_reused(),
            StreamError::Store(error) => JsonError::internal(error),
        })?;
    let expires = unix_seconds().saturating_add(MANIFEST_SECONDS);
    let manifest_url = playback
        .key
        .url(start.title, &started.stream, expires)
        .ok_or_else(|| JsonError::internal("the manifest key cannot sign"))?;
    Ok(Json(Started {
        stream: started.stream,
        manifest_url,
        expires_at_unix_seconds: expires,
        lease_seconds: LEASE_SECONDS,
    }))
}

async fn renew(
    State(playback): State<Arc<Playback>>,
    JsonPath(stream): JsonPath<String>,
) -> JsonResult<Json<Value>> {
    let renewed = playback
        .store
        .renew(&stream, LEASE_SECONDS)
        .await
        .map_err(JsonError::internal)?;
    match renewed {
        Some(_) => Ok(Json(json!({"leaseSeconds": LEASE_SECONDS}))),
        None => Err(JsonError::not_found("the stream has ended: start it again")),
    }
}

async fn stop(
    State(playback): State<Arc<Playback>>,
    JsonPath(stream): JsonPath<String>,
) -> JsonResult<StatusCode> {
    playback
        .store
        .stop(&stream)
        .await
        .map_err(JsonError::internal)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Signed {
    stream: String,
    expires: i64,
    signature: String,
}

async fn manifest(
    State(playback): State<Arc<Playback>>,
    JsonPath(title): JsonPath<u32>,
    JsonQuery(signed): JsonQuery<Signed>,
) -> JsonResult<Json<Value>> {
    let allowed = playback.key.allows(
        title,
        &signed.stream,
        signed.expires,
        &signed.signature,
        unix_seconds(),
    );
    if !allowed {
        return Err(JsonError::new(
            StatusCode::FORBIDDEN,
            "not-signed",
            "the address is not signed or has ended: start playback again",
        ));
    }
    let title = playback.title(title).await?;
    Ok(Json(json!({
        "title": title.id,
        "minutes": title.minutes,
        "renditions": title.renditions,
    })))
}

#[derive(Deserialize)]
struct Save {
    user: u32,
    title: u32,
    sequence: u64,
    seconds: u64,
}

async fn save(
    State(playback): State<Arc<Playback>>,
    headers: HeaderMap,
    JsonBody(save): JsonBody<Save>,
) -> JsonResult<Json<Value>> {
    let key = idempotency_key(&headers)?
        .ok_or_else(|| JsonError::bad_request("send an `Idempotency-Key`"))?;
    let write = PositionWrite {
        key: format!("{}/{key}", save.user),
        user: save.user,
        position: Position {
            title: save.title,
            sequence: save.sequence,
            seconds: save.seconds,
        },
    };
    let stored = playback.store.save(&write).await?;
    Ok(Json(to_json(stored)))
}

#[derive(Deserialize)]
struct OfUser {
    user: u32,
}

async fn positions(
    State(playback): State<Arc<Playback>>,
    JsonQuery(of): JsonQuery<OfUser>,
) -> JsonResult<Json<Value>> {
    let positions = playback
        .store
        .positions(of.user)
        .await
        .map_err(JsonError::internal)?;
    let positions: Vec<_> = positions.into_iter().map(to_json).collect();
    Ok(Json(json!({"positions": positions})))
}

async fn position(
    State(playback): State<Arc<Playback>>,
    JsonPath(title): JsonPath<u32>,
    JsonQuery(of): JsonQuery<OfUser>,
) -> JsonResult<Json<Value>> {
    let position = playback
        .store
        .position(of.user, title)
        .await
        .map_err(JsonError::internal)?;
    match position {
        Some(position) => Ok(Json(to_json(position))),
        None => Err(JsonError::not_found("no position was saved")),
    }
}

impl Playback {
    async fn title(&self, id: u32) -> JsonResult<Title> {
        self.catalogue
            .title(id)
            .await
            .map_err(JsonError::internal)?
            .ok_or_else(|| JsonError::not_found(format!("there is no title {id}")))
    }
}

fn to_json(position: Position) -> Value {
    json!({
        "title": position.title,
        "sequence": position.sequence,
        "seconds": position.seconds,
    })
}

impl From<WriteError> for JsonError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::KeyReused => key_reused(),
            WriteError::TooLarge(_) => Self::bad_request(error.to_string()),
            WriteError::Store(error) => Self::internal(error),
        }
    }
}

fn key_reused() -> JsonError {
    JsonError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "key-reused",
        "the `Idempotency-Key` was used for something else: draw a new one",
    )
}

/// The id of the stream that a key starts for a user.
fn uuid_from(user: u32, key: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{user}\n{key}").as_bytes());
    let first: [u8; 16] = std::array::from_fn(|index| digest[index]);
    uuid::Uuid::from_bytes(first).simple().to_string()
}

#[cfg(test)]
mod tests;
