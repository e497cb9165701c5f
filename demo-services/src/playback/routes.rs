//! The routes of playback.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::manifest::ManifestKey;
use super::plan;
use crate::catalogue::Title;
use crate::metadata::Catalogue;
use crate::shell::{JsonBody, JsonError, JsonResult};
use crate::store::{
    PlaybackStore, Position, PositionWrite, SqlitePlayback, StartStream, StreamError, WriteError,
    unix_seconds,
};

/// How long a stream lives unless renewed: a few missed renewals of a player.
const LEASE_SECONDS: i64 = 60;

/// How long a manifest URL is good.
const MANIFEST_SECONDS: i64 = 300;

/// The longest name of a device, and the longest `Idempotency-Key`, in bytes.
const MAXIMUM_NAME_BYTES: usize = 100;

pub(super) struct Playback {
    pub(super) store: SqlitePlayback,
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
        Some(key) => uuid_from(start.user, &key),
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
    Path(stream): Path<String>,
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
    Path(stream): Path<String>,
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
    Path(title): Path<u32>,
    Query(signed): Query<Signed>,
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
    let stored = playback.store.save(&write).await.map_err(|error| {
        let message = error.to_string();
        match error {
            WriteError::KeyReused => {
                JsonError::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", message)
            }
            WriteError::TooLarge(_) => JsonError::bad_request(message),
            WriteError::Store(error) => JsonError::internal(error),
        }
    })?;
    Ok(Json(to_json(stored)))
}

#[derive(Deserialize)]
struct OfUser {
    user: u32,
}

async fn positions(
    State(playback): State<Arc<Playback>>,
    Query(of): Query<OfUser>,
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
    Path(title): Path<u32>,
    Query(of): Query<OfUser>,
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

fn idempotency_key(headers: &HeaderMap) -> JsonResult<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAXIMUM_NAME_BYTES => Ok(Some(key.to_owned())),
        _ => Err(JsonError::bad_request(format!(
            "`Idempotency-Key` must have 1 to {MAXIMUM_NAME_BYTES} visible ASCII characters"
        ))),
    }
}

/// The id of the stream that a key starts for a user.
fn uuid_from(user: u32, key: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{user}\n{key}").as_bytes());
    digest.iter().take(16).fold(String::new(), |text, byte| {
        use std::fmt::Write;
        let mut text = text;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::catalogue;

    struct Rig {
        _folder: tempfile::TempDir,
        playback: Arc<Playback>,
        free: u32,
        premium: u32,
    }

    impl Rig {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let titles = catalogue::generate(7, 200);
            let catalogue = folder.path().join("catalogue.sqlite");
            crate::metadata::store(&catalogue, &titles).await.unwrap();
            let path = folder.path().join("playback.sqlite");
            let store = SqlitePlayback::open(&path).await.unwrap();
            let id = |premium| {
                titles
                    .iter()
                    .find(|title| title.premium == premium)
                    .unwrap()
                    .id
            };
            Self {
                playback: Arc::new(Playback {
                    store,
                    catalogue: Catalogue::open(&catalogue).await.unwrap(),
                    key: ManifestKey::new(b"0123456789abcdef"),
                }),
                free: id(false),
                premium: id(true),
                _folder: folder,
            }
        }

        async fn call(&self, method: &str, path: &str, key: &str, body: Value) -> (u16, Value) {
            let mut request = Request::builder().method(method).uri(path);
            if !key.is_empty() {
                request = request.header("idempotency-key", key);
            }
            let request = request
                .header("content-type", "application/json")
                .body(Body::from(body.to_string()))
                .unwrap();
            let response = router(Arc::clone(&self.playback))
                .oneshot(request)
                .await
                .unwrap();
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), 100_000)
                .await
                .unwrap();
            (status, serde_json::from_slice(&body).unwrap_or_default())
        }

        async fn start(&self, plan: &str, device: &str, title: u32, key: &str) -> (u16, Value) {
            let body = json!({"user": 1, "plan": plan, "device": device, "title": title});
            self.call("POST", "/v1/streams", key, body).await
        }
    }

    #[tokio::test]
    async fn plans_limit_titles_and_streams() {
        let rig = Rig::new().await;
        assert_eq!(rig.start("basic", "tv", rig.premium, "").await.0, 403);
        assert_eq!(rig.start("premium", "tv", rig.premium, "").await.0, 200);
        assert_eq!(rig.start("basic", "phone", rig.free, "").await.0, 409);
        assert_eq!(rig.start("standard", "phone", rig.free, "").await.0, 200);
        assert_eq!(rig.start("gold", "tv", rig.free, "").await.0, 400);
        assert_eq!(rig.start("basic", "tv", 999_999, "").await.0, 404);
    }

    #[tokio::test]
    async fn a_repeated_start_is_one_stream_and_its_manifest_is_signed() {
        let rig = Rig::new().await;
        let (_, first) = rig.start("basic", "tv", rig.free, "key").await;
        let (_, again) = rig.start("basic", "tv", rig.free, "key").await;
        assert_eq!(first["stream"], again["stream"]);
        let url = first["manifestUrl"].as_str().unwrap();
        let (status, manifest) = rig.call("GET", url, "", Value::Null).await;
        assert_eq!((status, &manifest["title"]), (200, &json!(rig.free)));
        let forged = url.replace("expires=", "expires=9");
        assert_eq!(rig.call("GET", &forged, "", Value::Null).await.0, 403);
        let renew = format!("/v1/streams/{}/renew", first["stream"].as_str().unwrap());
        assert_eq!(rig.call("POST", &renew, "", Value::Null).await.0, 200);
        let stop = renew.trim_end_matches("/renew");
        assert_eq!(rig.call("DELETE", stop, "", Value::Null).await.0, 204);
        assert_eq!(rig.call("POST", &renew, "", Value::Null).await.0, 404);
    }

    #[tokio::test]
    async fn positions_need_a_key_and_keep_their_order() {
        let rig = Rig::new().await;
        let save =
            |sequence: u64| json!({"user": 1, "title": 5, "sequence": sequence, "seconds": 9});
        assert_eq!(rig.call("PUT", "/v1/positions", "", save(1)).await.0, 400);
        assert_eq!(rig.call("PUT", "/v1/positions", "b", save(8)).await.0, 200);
        let (status, stored) = rig.call("PUT", "/v1/positions", "a", save(3)).await;
        assert_eq!((status, &stored["sequence"]), (200, &json!(8)));
        assert_eq!(rig.call("PUT", "/v1/positions", "a", save(4)).await.0, 422);
        let (_, all) = rig
            .call("GET", "/v1/positions?user=1", "", Value::Null)
            .await;
        assert_eq!(all["positions"][0]["sequence"], 8);
        let (status, _) = rig
            .call("GET", "/v1/positions/6?user=1", "", Value::Null)
            .await;
        assert_eq!(status, 404);
        let huge = json!({"user": 1, "title": 5, "sequence": u64::MAX, "seconds": 9});
        assert_eq!(rig.call("PUT", "/v1/positions", "c", huge).await.0, 400);
        assert_eq!(
            rig.call("PUT", "/v1/positions", "d", json!([])).await.0,
            400
        );
    }
}
