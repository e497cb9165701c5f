//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tower_service::Service;

use super::future::ResponseFuture;
use super::places::Places;
use crate::BoxError;
use crate::classify::{AnyAnswer, Classify};
use crate::readiness::EagerService;

/// Lets a bounded number of calls through at once.
///
/// It is always ready: waiting and rejection happen in the future of a call, where they
/// can be given up. Clones share the places. See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct Bulkhead<S, C = AnyAnswer> {
    inner: EagerService<S>,
    places: Arc<Places>,
    classify: C,
}

impl<S, C> Bulkhead<S, C> {
    pub(super) const fn new(inner: S, places: Arc<Places>, classify: C) -> Self {
        Self {
            inner: EagerService::new(inner),
            places,
            classify,
        }
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        self.inner.get_ref()
    }

    /// The inner service, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut()
    }

    /// The inner service, without the bulkhead.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
    }
}

impl<S, Request, C> Service<Request> for Bulkhead<S, C>
where
    S: Service<Request> + Clone,
    S::Error: Into<BoxError>,
    C: Classify<S::Response, BoxError> + Clone,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S, Request, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.ask(context);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let classify = self.classify.clone();
        if let Some(place) = self.places.enter() {
            return ResponseFuture::entered(self.inner.call(request), place, classify);
        }
        let Ok(place) = self.places.queue() else {
            self.inner.forget();
            return ResponseFuture::rejected(self.places.queue_full(Duration::ZERO), classify);
        };
        let places = Arc::clone(&self.places);
        // A waiting call must not hold what the readiness of the inner service reserved.
        self.inner.forget();
        let inner = self.inner.take();
        ResponseFuture::queued(places, place, inner, request, classify)
    }
}
