//! For parts that take any request, and so look for its context in the task.

use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::context::CallContext;

/// Wraps a service into an [`InContext`].
#[derive(Debug, Clone, Copy)]
pub(super) struct InContextLayer;

impl<S> Layer<S> for InContextLayer {
    type Service = InContext<S>;

    fn layer(&self, inner: S) -> InContext<S> {
        InContext(inner)
    }
}

/// Calls the inner service with the context of the request as that of the task.
#[derive(Debug, Clone)]
pub(super) struct InContext<S>(S);

impl<S, B> Service<Request<B>> for InContext<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        match CallContext::of(request.extensions()) {
            Some(context) => context.enter(|| self.0.call(request)),
            None => self.0.call(request),
        }
    }
}
