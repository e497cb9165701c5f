//! The second port: metrics, events and admin, all behind a bearer token.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use prometheus::{Registry, TextEncoder};
use resilience::telemetry::Telemetry;
use tokio::sync::broadcast::error::RecvError;

use super::{JsonError, Secret};

/// The routes of the second port; what the service adds stands below `/admin`.
pub(super) fn router(
    registry: Registry,
    telemetry: Telemetry,
    token: Secret,
    own: Option<Router>,
) -> Router {
    let mut router = Router::new()
        .route("/metrics", get(async move || metrics(&registry)))
        .route("/events", get(async move || events(&telemetry)));
    if let Some(own) = own {
        router = router.nest("/admin", own);
    }
    router.layer(from_fn_with_state(token, require_bearer))
}

async fn require_bearer(State(token): State<Secret>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match given {
        Some(guess) if token.matches(guess) => next.run(request).await,
        _ => JsonError::unauthorized("send `Authorization: Bearer …` with the admin token")
            .into_response(),
    }
}

fn metrics(registry: &Registry) -> Response {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => JsonError::internal(error).into_response(),
    }
}

/// An endless answer with one JSON object a line. A reader that is too slow misses events and
/// is told how many.
fn events(telemetry: &Telemetry) -> Response {
    // The empty first line makes the head of the answer leave at once.
    let first = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from_static(b"\n"))]);
    let rest = stream::unfold(telemetry.subscribe(), async |mut receiver| {
        let line = match receiver.recv().await {
            Ok(event) => serde_json::to_string(&event).ok()?,
            Err(RecvError::Lagged(missed)) => format!(r#"{{"event":"missed","count":{missed}}}"#),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(Bytes::from(line + "\n")), receiver))
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    ([(CONTENT_TYPE, "application/jsonl")], body).into_response()
}
