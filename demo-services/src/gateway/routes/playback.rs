//! Start, renew and stop playback. They need playback, and nothing else.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::login::pass_on;
use crate::gateway::Gateway;
use crate::gateway::ask::{ask, failed, get, write};
use crate::gateway::session::User;
use crate::shell::{JsonBody, JsonError, JsonPath, JsonResult};

#[derive(Debug, Deserialize)]
pub(super) struct Start {
    title: u32,
    device: String,
}

#[derive(Debug, Serialize)]
struct StartStream {
    user: u32,
    plan: String,
    device: String,
    title: u32,
}

pub(super) async fn start(
    State(gateway): State<Arc<Gateway>>,
    user: User,
    headers: HeaderMap,
    JsonBody(start): JsonBody<Start>,
) -> JsonResult<Response> {
    let body = StartStream {
        user: user.id,
        plan: user.plan,
        device: start.device,
        title: start.title,
    };
    let key = headers.get("idempotency-key");
    let request = write(Method::POST, "/v1/streams", &body, key)?;
    let mut answer = ask(&gateway.dependencies.playback, request)
        .await
        .map_err(failed)?;
    if answer.status.is_success() {
        answer.body = public_manifest(&answer.body)?.into();
    }
    pass_on(answer)
}

/// Users reach manifests through the gateway.
fn public_manifest(body: &[u8]) -> JsonResult<Vec<u8>> {
    let mut started: Value = serde_json::from_slice(body).map_err(JsonError::internal)?;
    if let Some(url) = started.get_mut("manifestUrl") {
        let public = url.as_str().map(|url| url.replacen("/v1/", "/api/", 1));
        *url = public.into();
    }
    serde_json::to_vec(&started).map_err(JsonError::internal)
}

pub(super) async fn renew(
    State(gateway): State<Arc<Gateway>>,
    _user: User,
    JsonPath(stream): JsonPath<String>,
) -> JsonResult<Response> {
    stream_command(&gateway, Method::POST, &stream, "/renew").await
}

pub(super) async fn stop(
    State(gateway): State<Arc<Gateway>>,
    _user: User,
    JsonPath(stream): JsonPath<String>,
) -> JsonResult<Response> {
    stream_command(&gateway, Method::DELETE, &stream, "").await
}

async fn stream_command(
    gateway: &Gateway,
    method: Method,
    stream: &str,
    suffix: &str,
) -> JsonResult<Response> {
    if !stream
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(JsonError::not_found("there is no such stream"));
    }
    let path = format!("/v1/streams/{stream}{suffix}");
    let request = write(method, path, &serde_json::json!({}), None)?;
    let answer = ask(&gateway.dependencies.playback, request)
        .await
        .map_err(failed)?;
    pass_on(answer)
}

/// The signature in the query says who may read it; no token is needed, as for a player on a
/// television.
pub(super) async fn manifest(
    State(gateway): State<Arc<Gateway>>,
    JsonPath(title): JsonPath<u32>,
    RawQuery(query): RawQuery,
) -> JsonResult<Response> {
    let path = format!("/v1/manifests/{title}?{}", query.unwrap_or_default());
    let answer = ask(&gateway.dependencies.playback, get(path, 1.0)?)
        .await
        .map_err(failed)?;
    pass_on(answer)
}
