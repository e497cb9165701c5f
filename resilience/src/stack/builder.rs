//! Putting a client stack together.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::util::BoxCloneSyncService;
use tower_service::Service;

use super::Client;
use super::round_robin::RoundRobin;
use crate::BoxError;
use crate::balance::Endpoints;
use crate::body::{COLLECT_LIMIT, Collect};
use crate::transport::HttpTransport;

/// Builds a [`Client`]; begun by [`client`](crate::client).
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    name: String,
    endpoints: Endpoints,
    deadline: Duration,
    reserve: Duration,
    attempt_timeout: Option<Duration>,
    weight: f64,
    seed: u64,
    enabled: bool,
}

impl ClientBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            endpoints: Endpoints::default(),
            deadline: Duration::from_secs(2),
            reserve: Duration::from_millis(10),
            attempt_timeout: Some(Duration::from_millis(500)),
            weight: 1.0,
            seed: 0,
            enabled: true,
        }
    }

    /// Where the dependency can be reached.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = endpoints;
        self
    }

    /// The time for the whole call, all attempts included: the upper bound of what the
    /// context of the request leaves, and the whole of it where there is no context.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// What is kept back from the time left for the caller's own work after this call.
    pub const fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = reserve;
        self
    }

    /// The time for one attempt; `None` removes the part.
    pub fn attempt_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.attempt_timeout = timeout.into();
        self
    }

    /// The share of the caller's own answer that a call provides, 0 to 1 (default 1): what
    /// the dependency reports as degraded counts for that much. A
    /// [`CallWeight`](super::CallWeight) overrides it for one call.
    pub const fn weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// The seed of everything that is left to chance: jitter and choice of endpoints.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// `false` turns everything off: what remains takes the endpoints in turn, without
    /// retry, timeout, breaker, fallback or ledger.
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// The client, on hyper's pooled HTTP/1 connections.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build(self) -> Result<Client, BuildError> {
        let transport = if self.enabled {
            HttpTransport::default()
        } else {
            HttpTransport::new(None)
        };
        self.build_on(transport)
    }

    /// The client, on a transport of your own: a service that sends a request with an
    /// absolute URI. Tests script one in process.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build_on<T, B>(self, transport: T) -> Result<Client, BuildError>
    where
        T: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + Sync + 'static,
        T::Error: Into<BoxError>,
        T::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<BoxError>,
    {
        if !(0.0..=1.0).contains(&self.weight) {
            return Err(BuildError::Weight(self.weight));
        }
        let name: Arc<str> = self.name.into();
        let collecting = Collect::new(transport, COLLECT_LIMIT);
        if self.enabled {
            let b = crate::balance::BalanceLayer::builder(&*name).endpoints(self.endpoints).seed(self.seed).build().unwrap();
            let r = crate::retry::RetryLayer::builder(&*name).seed(self.seed).build().unwrap();
            use tower_layer::Layer;
            return Ok(Client::new(name, BoxCloneSyncService::new(r.layer(b.layer(collecting)))));
        }
        let stack = RoundRobin::new(Arc::clone(&name), self.endpoints, collecting);
        Ok(Client::new(name, BoxCloneSyncService::new(stack)))
    }
}

/// A client stack that cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The weight is not a share.
    #[error("weight {0} is not a share: expected 0 to 1")]
    Weight(f64),
}
