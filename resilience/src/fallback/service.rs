//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use super::future::{Call, ResponseFuture};
use super::layer::Shared;
use super::refresh::Refresh;
use crate::BoxError;
use crate::body::ResponseBody;
use crate::classify::{Classify, HttpClassify};
use crate::readiness::EagerService;

/// Answers in place of a dependency that cannot.
///
/// It is always ready: an inner service that never becomes ready, or cannot, is a failure
/// of a call like any other. See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct FallbackService<S, C = HttpClassify> {
    inner: EagerService<S>,
    shared: Arc<Shared>,
    classify: C,
}

impl<S, C> FallbackService<S, C> {
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

    /// The inner service, without stand-ins.
    pub fn into_inner(self) -> S {
        self.inner.into_inner()
    }
}

impl<S, C> Service<Request<Bytes>> for FallbackService<S, C>
where
    S: Service<Request<Bytes>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    C: Classify<Response<ResponseBody>, BoxError> + Clone + Send + 'static,
{
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = ResponseFuture<S, C>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.ask(context);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let call = Call::of(&request, Arc::clone(&self.shared));
        let Some((response, refresh)) = call.give(&request) else {
            let future = self.inner.call(request);
            return ResponseFuture::asked(future, call, self.classify.clone());
        };
        if let Some(refresh) = refresh {
            let (request, context) = Refresh::request(request);
            let answer = self.inner.call(request);
            refresh.start(context, answer, self.classify.clone());
        }
        ResponseFuture::given(response)
    }
}
