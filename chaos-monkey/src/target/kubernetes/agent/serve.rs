//! Metrics and health over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::Shared;

/// Serves until it is cancelled.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .with_state(shared);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "metrics and health are not served any more");
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let format = prometheus::TEXT_FORMAT;
    ([(header::CONTENT_TYPE, format)], shared.metrics.text())
}

/// Ready is who knows the cluster, whether it leads or not.
async fn ready(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    if shared.going().watches.is_complete() {
        return (StatusCode::OK, "ready\n");
    }
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "the cluster has not been listed yet\n",
    )
}
