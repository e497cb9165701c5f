//! The layer and its builder.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use http::Request;
use tower_layer::Layer;

use super::flights::Flights;
use super::key::default_key;
use super::service::Coalesce;
use crate::telemetry::{Counter, Event, Telemetry, names};

/// Says which requests are the same: those with the same text. Nothing is shared where there is
/// none. A closure `Fn(&Request<B>) -> Option<String>` is one.
pub trait CoalesceKey<B> {
    /// The key of a request.
    fn key(&self, request: &Request<B>) -> Option<String>;
}

impl<F, B> CoalesceKey<B> for F
where
    F: Fn(&Request<B>) -> Option<String>,
{
    fn key(&self, request: &Request<B>) -> Option<String> {
        self(request)
    }
}

/// GET and HEAD by target and by the headers that say who asks whom (`authorization`, `cookie`,
/// `host`), for which form (`accept`, `accept-encoding`, `accept-language`), for which part
/// (`range`) and on which condition (`if-match` and its like); nothing that announces a body.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadsByTarget;

impl<B> CoalesceKey<B> for ReadsByTarget {
    fn key(&self, request: &Request<B>) -> Option<String> {
        default_key(request)
    }
}

/// Wraps a service into a [`Coalesce`]; all services it makes share their calls.
///
/// `B` is the body of the answers. See the [module docs](super) for an example.
#[derive(Debug)]
pub struct CoalesceLayer<B, K = ReadsByTarget> {
    shared: Arc<Shared<B, K>>,
}

/// What all services of a layer share.
pub(super) struct Shared<B, K> {
    pub(super) key: K,
    pub(super) flights: Flights<B>,
    led: Counter,
    followed: Counter,
    name: String,
    telemetry: Telemetry,
}

impl<B, K> Shared<B, K> {
    /// Counts a read that began a call.
    pub(super) fn leads(&self) {
        self.led.increment();
    }

    /// Counts and tells of one that joined it.
    pub(super) fn follows(&self) {
        self.followed.increment();
        self.telemetry.tell(|| Event::Coalesced {
            client: self.name.clone(),
        });
    }
}

impl<B> CoalesceLayer<B> {
    /// Begins a layer for the client called `name`.
    pub fn builder(name: impl Into<String>) -> CoalesceBuilder<B> {
        CoalesceBuilder {
            name: name.into(),
            key: ReadsByTarget,
            telemetry: Telemetry::default(),
            answers: PhantomData,
        }
    }
}

#[cfg(test)]
impl<B, K> CoalesceLayer<B, K> {
    pub(super) fn shared(&self) -> &Shared<B, K> {
        &self.shared
    }
}

impl<B, K> Clone for CoalesceLayer<B, K> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<B, K: fmt::Debug> fmt::Debug for Shared<B, K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl<S, B, K> Layer<S> for CoalesceLayer<B, K> {
    type Service = Coalesce<S, B, K>;

    fn layer(&self, inner: S) -> Self::Service {
        Coalesce::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds a [`CoalesceLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CoalesceBuilder<B, K = ReadsByTarget> {
    name: String,
    key: K,
    telemetry: Telemetry,
    answers: PhantomData<fn() -> B>,
}

impl<B, K> CoalesceBuilder<B, K> {
    /// Which requests are the same (default: [`ReadsByTarget`]).
    pub fn key<L>(self, key: L) -> CoalesceBuilder<B, L> {
        CoalesceBuilder {
            name: self.name,
            key,
            telemetry: self.telemetry,
            answers: PhantomData,
        }
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// The layer.
    pub fn build(self) -> CoalesceLayer<B, K> {
        let count = |role| {
            self.telemetry
                .counter(&names::COALESCED, &[&self.name, role])
        };
        CoalesceLayer {
            shared: Arc::new(Shared {
                led: count("leader"),
                followed: count("follower"),
                flights: Flights::default(),
                key: self.key,
                name: self.name,
                telemetry: self.telemetry,
            }),
        }
    }
}
