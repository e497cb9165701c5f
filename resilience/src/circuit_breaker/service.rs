//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::breaker::{Breaker, CallGuard, Circuit};
use super::errors::{Boxed, Errors};
use super::future::ResponseFuture;
use super::handle::BreakerHandle;
use super::tracking::{AtHead, Tracked, Tracking};
use crate::classify::{Classify, HttpClassify};
use crate::readiness::{EagerFuture, EagerService};

/// Rejects calls while the dependency behind it fails.
///
/// It is always ready: the rejection happens in `call`, and the inner service is waited
/// for inside the future of a call that was admitted. Clones share the breaker. See the
/// [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct CircuitBreaker<S, C = HttpClassify, T = AtHead, E = Boxed> {
    inner: EagerService<S>,
    breaker: Arc<Breaker>,
    /// The newest rules that this clone knows.
    circuit: Arc<Circuit>,
    classify: C,
    tracking: T,
    errors: E,
}

impl<S, C, T, E> CircuitBreaker<S, C, T, E> {
    pub(super) fn new(
        inner: S,
        breaker: Arc<Breaker>,
        classify: C,
        tracking: T,
        errors: E,
    ) -> Self {
        Self {
            inner: EagerService::new(inner),
            circuit: breaker.circuit(),
            breaker,
            classify,
            tracking,
            errors,
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

impl<S, C: Clone, T: Clone, E: Clone> CircuitBreaker<S, C, T, E> {
    #[inline(never)]
    fn ask<Request>(&mut self, request: Request) -> ResponseFuture<S, Request, C, T, E>
    where
        S: Service<Request> + Clone,
    {
        if self.circuit.is_outdated() {
            self.circuit = self.breaker.circuit();
        }
        match self.circuit.permit() {
            Ok(permit) => {
                let guard = CallGuard::begin(Arc::clone(&self.circuit), permit);
                let future = self.inner.call(request);
                self.admitted(future, guard)
            }
            Err(error) => {
                self.inner.forget();
                ResponseFuture::rejected(error, self.errors.clone())
            }
        }
    }

    #[inline]
    fn admitted<Request>(
        &self,
        future: EagerFuture<S, Request>,
        guard: CallGuard,
    ) -> ResponseFuture<S, Request, C, T, E>
    where
        S: Service<Request>,
    {
        ResponseFuture::admitted(
            future,
            guard,
            self.classify.clone(),
            self.tracking.clone(),
            self.errors.clone(),
        )
    }
}

impl<S, C, T, E, Request> Service<Request> for CircuitBreaker<S, C, T, E>
where
    S: Service<Request> + Clone,
    E: Errors<S::Error>,
    C: Classify<S::Response, E::Judged> + Clone,
    T: Tracking<S::Response>,
{
    type Response = Tracked<T, S::Response>;
    type Error = E::Error;
    type Future = ResponseFuture<S, Request, C, T, E>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        if self.circuit.passes() {
            self.inner.ask(context);
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        // Nothing stands in the way: the future is written once, where it belongs. One that is
        // put together on several ways is moved on each, which would cost more than the breaker.
        if let Some(permit) = self.circuit.pass()
            && self.inner.use_readiness()
        {
            let started = self.circuit.start(permit);
            let future = EagerFuture::Called {
                future: self.inner.get_mut().call(request),
            };
            let guard = CallGuard::new(Arc::clone(&self.circuit), permit, started);
            return self.admitted(future, guard);
        }
        self.ask(request)
    }
}
