//! The retrying service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::{Call, ResponseFuture};
use super::layer::{RetryBuilder, RetryLayer};
use super::repeatable::is_repeatable;
use super::shared::Shared;
use crate::BoxError;
use crate::balance::Tried;
use crate::classify::{Classify, HttpClassify};
use crate::context::Carried;
use crate::readiness::EagerService;

/// Repeats failed attempts of a call.
///
/// Clones share one budget. It is always ready; each attempt waits for the inner service
/// itself.
#[derive(Debug, Clone)]
pub struct Retry<S, C = HttpClassify> {
    inner: EagerService<S>,
    shared: Arc<Shared>,
    classify: C,
}

impl Retry<()> {
    /// Begins a retry for the client called `name`.
    pub fn builder(name: impl Into<String>) -> RetryBuilder {
        RetryLayer::builder(name)
    }
}

impl<S, C> Retry<S, C> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>, classify: C) -> Self {
        Self {
            inner: EagerService::new(inner),
            shared,
            classify,
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

    /// The inner service alone.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
    }
}

impl<S, C, RequestBody, B> Service<Request<RequestBody>> for Retry<S, C>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    C: Classify<Response<B>, BoxError> + Clone,
    RequestBody: Clone,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = ResponseFuture<S, C, RequestBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.ask(context);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        self.shared.deposit();
        let is_repeatable = is_repeatable(&request);
        let tried = Tried::new(is_repeatable);
        Carried::edit(request.extensions_mut()).tried = Some(tried);
        let call = Call::new(
            self.inner.get_ref().clone(),
            Arc::clone(&self.shared),
            self.classify.clone(),
            &request,
            is_repeatable,
        );
        ResponseFuture::new(call, self.inner.call(request))
    }
}
