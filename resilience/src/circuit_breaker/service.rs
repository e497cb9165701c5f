//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::breaker::{Breaker, BreakerHandle};
use super::future::ResponseFuture;
use crate::BoxError;
use crate::classify::{Classify, HttpClassify};
use crate::readiness::EagerService;

/// Rejects calls while the dependency behind it fails.
///
/// It is always ready: the rejection happens in `call`, and the inner service is waited
/// for inside the future of a call that was admitted. Clones share the breaker. See the
/// [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct CircuitBreaker<S, C = HttpClassify> {
    inner: EagerService<S>,
    breaker: Arc<Breaker>,
    classify: C,
}

impl<S, C> CircuitBreaker<S, C> {
    pub(super) const fn new(inner: S, breaker: Arc<Breaker>, classify: C) -> Self {
        Self {
            inner: EagerService::new(inner),
            breaker,
            classify,
        }
    }

    /// A view of the breaker.
    pub fn handle(&self) -> BreakerHandle {
        BreakerHandle::new(Arc::clone(&self.breaker))
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        self.inner.get_ref()
    }

    /// The inner service, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut()
    }

    /// The inner service, without the breaker.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
    }
}

impl<S, C, Request> Service<Request> for CircuitBreaker<S, C>
where
    S: Service<Request> + Clone,
    S::Error: Into<BoxError>,
    C: Classify<S::Response, BoxError> + Clone,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S, Request, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.breaker.is_closed() {
            self.inner.ask(context);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.breaker.admit() {
            Ok(guard) => {
                let future = self.inner.call(request);
                ResponseFuture::admitted(future, guard, self.classify.clone())
            }
            Err(error) => {
                self.inner.forget();
                ResponseFuture::rejected(error)
            }
        }
    }
}
