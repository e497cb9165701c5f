//! What users can ask for. One journey a file.

mod home;
mod login;
mod playback;
mod position;
mod search;
mod title;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::Gateway;

pub(super) use position::PositionWrite;

pub(super) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/api/login", post(login::login))
        .route("/api/refresh", post(login::refresh))
        .route("/api/logout", post(login::logout))
        .route("/api/home", get(home::home))
        .route("/api/titles/{id}", get(title::title))
        .route("/api/search", get(search::search))
        .route("/api/playback", post(playback::start))
        .route("/api/playback/{stream}/renew", post(playback::renew))
        .route(
            "/api/playback/{stream}",
            axum::routing::delete(playback::stop),
        )
        .route("/api/manifests/{title}", get(playback::manifest))
        .route(
            "/api/positions/{title}",
            get(position::read).put(position::save),
        )
        .with_state(gateway)
}
