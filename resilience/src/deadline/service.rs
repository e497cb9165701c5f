//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Request};
use tokio::time::Instant;
use tower_service::Service;
use tracing::Instrument;

use super::layer::Shared;
use super::{Deadline, DeadlinePassed, ResponseFuture, only_reads};
use crate::BoxError;
use crate::context::{CallContext, Carried};
use crate::readiness::EagerService;

/// Gives every request a deadline and keeps it; see the [module](super).
///
/// It is always ready: the wait for the inner service is a part of the time of a request, and one
/// that comes too late is refused without it.
#[derive(Debug, Clone)]
pub struct DeadlineService<S> {
    inner: EagerService<S>,
    shared: Arc<Shared>,
}

impl<S> DeadlineService<S> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self {
            inner: EagerService::new(inner),
            shared,
        }
    }

    /// The service inside.
    pub const fn get_ref(&self) -> &S {
        self.inner.get_ref()
    }

    /// The service inside.
    pub const fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut()
    }

    /// The service inside.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
    }

    /// The earliest of what the request carries, what its context leaves and our own limit. A
    /// reserve that is longer than time itself leaves nothing, a limit that is so limits nothing.
    fn deadline(&self, extensions: &Extensions, now: Instant) -> Option<Instant> {
        let left = CallContext::deadline_of(extensions)
            .map(|end| end.checked_sub(self.shared.reserve).unwrap_or(now));
        let own = self.shared.limit.and_then(|limit| now.checked_add(limit));
        [Deadline::of(extensions), left, own]
            .into_iter()
            .flatten()
            .min()
    }
}

impl<S, B> Service<Request<B>> for DeadlineService<S>
where
    S: Service<Request<B>, Error = BoxError> + Clone + Send + 'static,
    S::Response: Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S, Request<B>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.ask(context);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let now = Instant::now();
        let Some(deadline) = self.deadline(request.extensions(), now) else {
            return ResponseFuture::unlimited(self.inner.call(request));
        };
        if deadline <= now {
            self.inner.forget();
            self.shared.refuse();
            let late_by = now.saturating_duration_since(deadline);
            let error = DeadlinePassed::before_work(&self.shared.name, late_by);
            return ResponseFuture::refused(error);
        }
        Carried::edit(request.extensions_mut()).deadline = Some(deadline);
        let shared = Arc::clone(&self.shared);
        if only_reads(request.method()) {
            return ResponseFuture::read(self.inner.call(request), deadline, shared);
        }
        let context = CallContext::of(request.extensions()).unwrap_or_default();
        let writing = context.spawn(self.inner.call(request).in_current_span());
        ResponseFuture::write(writing, deadline, shared)
    }
}
