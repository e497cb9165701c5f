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

/// Ends calls that take too long.
///
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct Timeout<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Timeout<S> {
    pub(super) const fn new(inner: S, rules: Arc<Rules>) -> Self {
        Self { inner, rules }
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, without the timeout.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, Body> Service<Request<Body>> for Timeout<S>
where
    S: Service<Request<Body>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
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
