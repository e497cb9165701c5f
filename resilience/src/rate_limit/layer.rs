//! The layer and the service.

use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::future::ResponseFuture;
use super::limiter::RateLimiter;
use crate::BoxError;
use crate::readiness::EagerService;

/// Puts services behind a [`RateLimiter`].
///
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct RateLimitLayer {
    limiter: RateLimiter,
}

impl RateLimitLayer {
    /// Services behind this limiter; it may be shared with others.
    pub const fn new(limiter: RateLimiter) -> Self {
        Self { limiter }
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit {
            inner: EagerService::new(inner),
            limiter: self.limiter.clone(),
        }
    }
}

/// Refuses requests whose caller has used up its quota. See the [module docs](super).
///
/// It is always ready: whoever must be refused does not wait for a place inside first.
#[derive(Debug, Clone)]
pub struct RateLimit<S> {
    inner: EagerService<S>,
    limiter: RateLimiter,
}

impl<S> RateLimit<S> {
    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        self.inner.get_ref()
    }

    /// The inner service, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut()
    }

    /// The inner service alone.
    pub fn into_inner(self) -> S
    where
        S: Clone,
    {
        self.inner.into_inner()
    }
}

impl<S, A, B> Service<Request<A>> for RateLimit<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = ResponseFuture<S, Request<A>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.ask(context);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (parts, body) = request.into_parts();
        match self.limiter.check(&parts) {
            Ok(standing) => {
                let request = Request::from_parts(parts, body);
                ResponseFuture::passed(self.inner.call(request), standing)
            }
            Err(error) => {
                self.inner.forget();
                ResponseFuture::refused(error)
            }
        }
    }
}
