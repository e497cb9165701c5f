//! Starts a service: binds both ports, answers until it is asked to end, then drains.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::MatchedPath;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::ListenerExt;
use http::StatusCode;
use prometheus::Registry;
use resilience::config::ConfigError;
use resilience::telemetry::Telemetry;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{ServiceSettings, admin, drain};

/// How long requests under way may take to finish once the process is asked to end. An events
/// reader never finishes by itself, hence a limit.
const DRAIN_LIMIT: Duration = Duration::from_secs(3);

/// What a service is given to build itself from.
#[derive(Clone)]
pub struct Shell {
    /// The settings that all services share.
    pub settings: ServiceSettings,
    /// Where the middleware of this process counts and tells.
    pub telemetry: Telemetry,
    /// The registry behind `/metrics`.
    pub registry: Registry,
}

/// What a service is made of.
pub struct ServiceParts {
    /// The routes of the main port, without health routes.
    pub router: Router,
    /// Routes below `/admin` on the second port.
    pub admin: Option<Router>,
    /// Turns true when the service can do its work.
    pub ready: watch::Receiver<bool>,
}

impl ServiceParts {
    /// A service behind the gateway, ready as soon as it exists: it trusts the headers that
    /// come from inside, and drops reads whose deadline has passed.
    ///
    /// # Errors
    ///
    /// A number of the server stack that cannot be.
    pub fn internal(
        name: &'static str,
        shell: &Shell,
        routes: Router,
    ) -> Result<Self, ConfigError> {
        let server = resilience::server(name)
            .internal()
            .telemetry(shell.telemetry.clone())
            .enabled(!shell.settings.bare)
            .route_label(route_label)
            .build()?;
        Ok(Self {
            router: routes.layer(server),
            admin: None,
            ready: watch::channel(true).1,
        })
    }
}

/// Runs one service until SIGTERM or SIGINT.
///
/// # Errors
///
/// When an address cannot be bound, or `build` fails: before anything is served.
pub async fn run(
    name: &'static str,
    settings: ServiceSettings,
    build: impl AsyncFnOnce(Shell) -> anyhow::Result<ServiceParts>,
) -> anyhow::Result<()> {
    let ending = drain::on_signal()?;
    let listener = bind(settings.listen, "--listen").await?;
    let admin_listener = bind(settings.admin, "--admin").await?;

    let registry = Registry::new();
    let shell = Shell {
        telemetry: Telemetry::new(&registry)?,
        registry: registry.clone(),
        settings: settings.clone(),
    };
    let parts = build(shell.clone()).await?;

    let admin_routes = admin::router(registry, shell.telemetry, settings.admin_token, parts.admin);
    tokio::spawn(async move { axum::serve(admin_listener, admin_routes).await });

    let routes = parts.router.merge(health(parts.ready, ending.clone()));
    tracing::info!(service = name, address = %settings.listen, "{name} listens on {}", settings.listen);
    let listener = listener.tap_io(|connection| {
        // Small answers must not wait for the acknowledgement of the one before.
        let _ = connection.set_nodelay(true);
    });
    let serving = axum::serve(listener, routes)
        .with_graceful_shutdown(drain::asked_to_end(ending.clone()))
        .into_future();
    let overdue = async {
        drain::asked_to_end(ending).await;
        tokio::time::sleep(DRAIN_LIMIT).await;
    };
    tokio::select! {
        result = serving => result.context("serving failed")?,
        () = overdue => tracing::warn!("still busy {DRAIN_LIMIT:?} after being asked to end: leaving"),
    }
    Ok(())
}

/// How the middleware labels a request in its metrics: by route, so that labels stay few.
pub(crate) fn route_label(parts: &http::request::Parts) -> String {
    parts
        .extensions
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned())
}

fn health(ready: watch::Receiver<bool>, ending: watch::Receiver<bool>) -> Router {
    Router::new().route("/livez", get(async || "alive")).route(
        "/readyz",
        get(async move || {
            if *ready.borrow() && !*ending.borrow() {
                "ready".into_response()
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "not ready").into_response()
            }
        }),
    )
}

async fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: give a free address with {flag}"))
}
