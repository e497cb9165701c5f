//! The only public service: login, home, title, search, playback, positions. It asks the others
//! in parallel and answers partially rather than not at all.

mod ask;
mod bug;
mod dependencies;
mod outbox;
mod peers;
mod routes;
mod session;
mod settings;
mod stand_ins;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use http::request::Parts;
use resilience::concurrency::AdaptiveLimit;
use resilience::config::ConfigError;
use resilience::context::Priority;
use resilience::server::ServerBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::shell::{MAXIMUM_BODY_BYTES, ServiceParts, Shell, route_label};
use crate::store;

pub use bug::Bug;
pub use peers::{Peers, PeersError};
pub use settings::GatewaySettings;

use dependencies::Dependencies;
use outbox::Outbox;
use stand_ins::StandIns;

/// How many requests are worked on at once follows what is measured, between these: a replica
/// of a dependency that dies makes some requests slow, which is no reason to refuse others.
const FEWEST_AT_ONCE: usize = 64;
const MOST_AT_ONCE: usize = 512;

/// What every handler works with.
pub(crate) struct Gateway {
    dependencies: Dependencies,
    stand_ins: Arc<StandIns>,
    /// Nothing in a bare gateway: there is no middleware, so nothing stands in.
    outbox: Option<Outbox>,
}

/// Puts the gateway together.
///
/// # Errors
///
/// When the database or the data folder cannot be used or an address of a dependency makes no
/// sense.
pub async fn parts(shell: Shell, settings: GatewaySettings) -> anyhow::Result<ServiceParts> {
    let stand_ins = Arc::new(StandIns::open(&shell.settings)?);
    let ready = stand_ins.keep_fresh(&shell, &settings)?;
    let dependencies = Dependencies::connect(&shell, &settings, &stand_ins)?;
    let outbox = if shell.settings.bare {
        None
    } else {
        let store = store::open::outbox(&shell.settings, &settings.database).await?;
        let outbox = Outbox::new(store);
        outbox.keep_delivering(dependencies.playback.clone());
        Some(outbox)
    };
    let gateway = Arc::new(Gateway {
        dependencies,
        stand_ins,
        outbox,
    });
    Ok(ServiceParts {
        router: protect(routes::router(gateway), &shell, &settings)?,
        admin: None,
        ready,
    })
}

/// Whoever watches goes on watching: when there is too much to do, browsing gives way first.
fn priority(parts: &Parts) -> Priority {
    let route = route_label(parts);
    let is_below = |parts: &[&str]| parts.iter().any(|part| route.starts_with(part));
    if is_below(&["/api/playback", "/api/manifests", "/api/positions"]) {
        return Priority::Critical;
    }
    if is_below(&["/api/home", "/api/search"]) {
        return Priority::Sheddable;
    }
    Priority::Default
}

/// What strangers meet: how many of them are worked on at once, and who goes first.
fn server() -> ServerBuilder {
    resilience::server("gateway")
        .edge()
        .adaptive(AdaptiveLimit::gradient().bounds(FEWEST_AT_ONCE, MOST_AT_ONCE))
        .priority(priority)
        .route_label(route_label)
}

fn protect(
    routes: Router,
    shell: &Shell,
    settings: &GatewaySettings,
) -> Result<Router, ConfigError> {
    let server = server()
        .telemetry(shell.telemetry.clone())
        .enabled(!shell.settings.bare)
        .default_deadline(settings.bug.edge_deadline())
        .build()?;
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        .allow_headers(Any);
    Ok(routes
        .layer(DefaultBodyLimit::max(MAXIMUM_BODY_BYTES))
        .layer(server)
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(cors)
        .layer(CompressionLayer::new()))
}
