//! Login, refresh and logout. They need auth, and nothing can stand in for it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, header};
use serde_json::Value;

use crate::gateway::Gateway;
use crate::gateway::ask::{Answer, ask, failed, write};
use crate::shell::{JsonBody, JsonError, JsonResult};

pub(super) async fn login(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Value>,
) -> JsonResult<Response> {
    forward(&gateway, "/v1/login", &headers, &body).await
}

pub(super) async fn refresh(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Value>,
) -> JsonResult<Response> {
    forward(&gateway, "/v1/refresh", &headers, &body).await
}

pub(super) async fn logout(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Value>,
) -> JsonResult<Response> {
    forward(&gateway, "/v1/revoke", &headers, &body).await
}

async fn forward(
    gateway: &Gateway,
    path: &str,
    headers: &HeaderMap,
    body: &Value,
) -> JsonResult<Response> {
    let request = write(Method::POST, path, body, headers.get("idempotency-key"))?;
    let answer = ask(&gateway.dependencies.auth, request)
        .await
        .map_err(failed)?;
    pass_on(answer)
}

/// Hands the answer of a dependency to the user as it is.
pub(super) fn pass_on(answer: Answer) -> JsonResult<Response> {
    Response::builder()
        .status(answer.status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(answer.body))
        .map_err(JsonError::internal)
}
