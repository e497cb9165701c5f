//! The hedging service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::{Call, ResponseFuture};
use super::shared::Shared;
use crate::BoxError;
use crate::balance::Tried;
use crate::classify::{Classify, HttpClassify};
use crate::context::Carried;
use crate::retry::is_repeatable;

/// Sends a slow call a second time. See the [module docs](super) for an example.
///
/// It is always ready; each attempt waits for the inner service itself.
#[derive(Debug, Clone)]
pub struct Hedge<S, C = HttpClassify> {
    inner: S,
    shared: Arc<Shared>,
    classify: C,
}

impl<S, C> Hedge<S, C> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>, classify: C) -> Self {
        Self {
            inner,
            shared,
            classify,
        }
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, C, RequestBody, B> Service<Request<RequestBody>> for Hedge<S, C>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    C: Classify<Response<B>, BoxError> + Clone,
    RequestBody: Clone,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = ResponseFuture<S, C, RequestBody, B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let inner = self.inner.clone();
        // Of two copies at once of a write, the loser is cancelled half way, after the winner or
        // before it: what may be repeated afterwards need not bear that.
        if !request.method().is_safe() || !is_repeatable(&request) {
            return ResponseFuture::plain(inner, request, self.classify.clone());
        }
        self.shared.deposit();
        // A retry around this one has put its own there.
        if Tried::of(request.extensions()).is_none() {
            Carried::edit(request.extensions_mut()).tried = Some(Tried::new(true));
        }
        let call = Call::new(inner.clone(), Arc::clone(&self.shared), &request);
        ResponseFuture::hedgeable(inner, request, self.classify.clone(), call)
    }
}
