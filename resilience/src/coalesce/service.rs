//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::answer::ShareBody;
use super::future::{Passenger, ResponseFuture};
use super::layer::{CoalesceKey, ReadsByTarget, Shared};
use crate::BoxError;
use crate::readiness::EagerService;

/// Lets identical reads share one call. See the [module docs](super) for an example.
///
/// It is always ready; each call waits for the inner service itself.
#[derive(Debug)]
pub struct Coalesce<S, B, K = ReadsByTarget> {
    inner: EagerService<S>,
    shared: Arc<Shared<B, K>>,
}

impl<S, B, K> Coalesce<S, B, K> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<B, K>>) -> Self {
        let inner = EagerService::new(inner);
        Self { inner, shared }
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        self.inner.get_ref()
    }

    /// The inner service, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut()
    }

    /// The inner service alone.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
    }
}

impl<S: Clone, B, K> Clone for Coalesce<S, B, K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S, K, RequestBody, B> Service<Request<RequestBody>> for Coalesce<S, B, K>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    K: CoalesceKey<RequestBody>,
    RequestBody: Clone + Send + 'static,
    B: ShareBody + Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = ResponseFuture<S, RequestBody, B, K>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.ask(context);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        match self.shared.key.key(&request) {
            Some(key) => {
                // Only a leader calls, and in a task that waits for readiness itself.
                self.inner.forget();
                let inner = self.inner.get_ref().clone();
                let shared = Arc::clone(&self.shared);
                ResponseFuture::shared(Passenger::new(inner, shared, key, request))
            }
            None => ResponseFuture::alone(self.inner.call(request)),
        }
    }
}
