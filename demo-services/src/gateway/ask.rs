//! Asks a dependency and reads its JSON.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use resilience::ledger::Reason;
use resilience::stack::CallWeight;
use resilience::{BoxError, Client};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::shell::{JsonError, JsonResult};

/// The answer of a dependency: its status and its body.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Answer {
    /// The body as JSON if the status says that there is one.
    pub(super) fn json<T: DeserializeOwned>(&self) -> JsonResult<T> {
        if self.status == StatusCode::NOT_FOUND {
            return Err(JsonError::not_found("there is no such thing"));
        }
        if !self.status.is_success() {
            return Err(unavailable(format!(
                "a service behind this one answered {}",
                self.status
            )));
        }
        serde_json::from_slice(&self.body).map_err(JsonError::internal)
    }
}

/// A GET whose answer is worth `weight` of the whole answer to the user.
pub(super) fn get(path: impl AsRef<str>, weight: f64) -> JsonResult<Request<Bytes>> {
    request(Method::GET, path, weight, Bytes::new(), None)
}

/// A write with a JSON body, repeatable under its key.
pub(super) fn write(
    method: Method,
    path: impl AsRef<str>,
    body: &impl Serialize,
    key: Option<&HeaderValue>,
) -> JsonResult<Request<Bytes>> {
    let body = serde_json::to_vec(body).map_err(JsonError::internal)?;
    request(method, path, 1.0, body.into(), key)
}

fn request(
    method: Method,
    path: impl AsRef<str>,
    weight: f64,
    body: Bytes,
    key: Option<&HeaderValue>,
) -> JsonResult<Request<Bytes>> {
    let mut builder = Request::builder()
        .method(method)
        .uri(path.as_ref())
        .extension(CallWeight(weight));
    if !body.is_empty() {
        builder = builder.header(header::CONTENT_TYPE, "application/json");
    }
    if let Some(key) = key {
        builder = builder.header("idempotency-key", key);
    }
    builder.body(body).map_err(JsonError::internal)
}

/// Sends a request and reads the whole answer.
pub(super) async fn ask(client: &Client, request: Request<Bytes>) -> Result<Answer, BoxError> {
    let response = client.send(request).await?;
    let status = response.status();
    let body = response.into_body().into_bytes().await?;
    Ok(Answer { status, body })
}

/// Sends a request and reads the JSON of a good answer.
pub(super) async fn ask_json<T: DeserializeOwned>(
    client: &Client,
    request: Request<Bytes>,
) -> JsonResult<T> {
    ask(client, request).await.map_err(failed)?.json()
}

/// What a user is told when a dependency failed and nothing stood in.
pub(super) fn failed(error: BoxError) -> JsonError {
    match resilience::rejection::reason(error.as_ref()) {
        Reason::Timeout | Reason::Deadline => JsonError::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "a service behind this one took too long",
        ),
        _ => unavailable(format!("a service behind this one is away: {error}")),
    }
}

fn unavailable(message: String) -> JsonError {
    tracing::debug!("{message}");
    JsonError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "a service behind this one is away",
    )
}
