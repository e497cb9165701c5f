//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::breaker::{Breaker, Circuit};
use super::future::ResponseFuture;
use super::handle::BreakerHandle;
use super::tracking::{AtHead, Tracked, Tracking};
use crate::BoxError;
use crate::classify::{Classify, HttpClassify};
use crate::readiness::EagerService;

/// Rejects calls while the dependency behind it fails.
///
/// It is always ready: the rejection happens in `call`, and the inner service is waited
/// for inside the future of a call that was admitted. Clones share the breaker. See the
/// [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct CircuitBreaker<S, C = HttpClassify, T = AtHead> {
    inner: EagerService<S>,
    breaker: Arc<Breaker>,
    /// The newest rules that this clone knows.
    circuit: Arc<Circuit>,
    classify: C,
    tracking: T,
}

impl<S, C, T> CircuitBreaker<S, C, T> {
    pub(super) fn new(inner: S, breaker: Arc<Breaker>, classify: C, tracking: T) -> Self {
        Self {
            inner: EagerService::new(inner),
            circuit: breaker.circuit(),
            breaker,
            classify,
            tracking,
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

impl<S, C, T, Request> Service<Request> for CircuitBreaker<S, C, T>
where
    S: Service<Request> + Clone,
    S::Error: Into<BoxError>,
    C: Classify<S::Response, BoxError> + Clone,
    T: Tracking<S::Response>,
{
    type Response = Tracked<T, S::Response>;
    type Error = BoxError;
    type Future = ResponseFuture<S, Request, C, T>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.circuit.passes() {
            self.inner.ask(context);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if self.circuit.is_outdated() {
            self.circuit = self.breaker.circuit();
        }
        match Circuit::admit(Arc::clone(&self.circuit)) {
            Ok(guard) => {
                let future = self.inner.call(request);
                let (classify, tracking) = (self.classify.clone(), self.tracking.clone());
                ResponseFuture::admitted(future, guard, classify, tracking)
            }
            Err(error) => {
                self.inner.forget();
                ResponseFuture::rejected(error)
            }
        }
    }
}
