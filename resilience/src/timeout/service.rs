//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tokio::time::Instant;
use tower_service::Service;

use super::future::ResponseFuture;
use super::layer::Rules;
use crate::BoxError;
use crate::deadline::{Deadline, only_reads};
use crate::readiness::EagerService;

/// Ends calls that take too long.
///
/// It is always ready: the wait for the inner service is a part of the time of a call, or a
/// service that never gets ready would hold its callers for ever.
///
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct Timeout<S> {
    inner: EagerService<S>,
    rules: Arc<Rules>,
}

impl<S> Timeout<S> {
    pub(super) const fn new(inner: S, rules: Arc<Rules>) -> Self {
        Self {
            inner: EagerService::new(inner),
            rules,
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

    /// The inner service, without the timeout.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
    }
}

impl<S, Body> Service<Request<Body>> for Timeout<S>
where
    S: Service<Request<Body>> + Clone,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S, Request<Body>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.ask(context);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let now = Instant::now();
        let left = deadline(&request).map(|deadline| deadline.saturating_duration_since(now));
        let future = self.inner.call(request);
        ResponseFuture::new(future, now, left, Arc::clone(&self.rules))
    }
}

/// By when the answer to a read must be there. A write runs to its end, or to the timeout of
/// the attempt: see [`crate::deadline`].
fn deadline<Body>(request: &Request<Body>) -> Option<Instant> {
    if !only_reads(request.method()) {
        return None;
    }
    Deadline::or_of_context(request.extensions())
}
