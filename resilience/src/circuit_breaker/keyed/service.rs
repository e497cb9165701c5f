//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::super::breaker::CallGuard;
use super::super::errors::{Boxed, Errors};
use super::super::future::ResponseFuture;
use super::super::tracking::{AtHead, Tracked, Tracking};
use super::registry::Registry;
use crate::classify::{Classify, HttpClassify};
use crate::readiness::EagerService;

/// Rejects calls under a key whose dependency fails.
///
/// It is always ready, since only the request says which breaker speaks. See the
/// [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct KeyedCircuitBreaker<S, K, C = HttpClassify, T = AtHead, E = Boxed> {
    inner: EagerService<S>,
    registry: Arc<Registry>,
    key: K,
    classify: C,
    tracking: T,
    errors: E,
}

impl<S, K, C, T, E> KeyedCircuitBreaker<S, K, C, T, E> {
    pub(super) const fn new(
        inner: S,
        registry: Arc<Registry>,
        key: K,
        classify: C,
        tracking: T,
        errors: E,
    ) -> Self {
        Self {
            inner: EagerService::new(inner),
            registry,
            key,
            classify,
            tracking,
            errors,
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

    /// The inner service, without the breakers.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
    }
}

impl<S, K, C, T, E, Request> Service<Request> for KeyedCircuitBreaker<S, K, C, T, E>
where
    S: Service<Request> + Clone,
    E: Errors<S::Error>,
    K: Fn(&Request) -> String,
    C: Classify<S::Response, E::Judged> + Clone,
    T: Tracking<S::Response>,
{
    type Response = Tracked<T, S::Response>;
    type Error = E::Error;
    type Future = ResponseFuture<S, Request, C, T, E>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let circuit = self.registry.circuit(&(self.key)(&request));
        let errors = self.errors.clone();
        match circuit.permit() {
            Ok(permit) => {
                let guard = CallGuard::begin(circuit, permit);
                let future = self.inner.call(request);
                let (classify, tracking) = (self.classify.clone(), self.tracking.clone());
                ResponseFuture::admitted(future, guard, classify, tracking, errors)
            }
            Err(error) => ResponseFuture::rejected(error, errors),
        }
    }
}
