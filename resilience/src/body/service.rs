//! Collecting as a part of a stack.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::future::ResponseFuture;
use super::{COLLECT_LIMIT, ResponseBody};
use crate::BoxError;

/// Wraps a transport into a [`Collect`].
#[derive(Debug, Clone, Copy)]
pub struct CollectLayer {
    limit: Option<usize>,
}

impl CollectLayer {
    /// Collects bodies up to `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { limit: Some(limit) }
    }

    /// Collects nothing: every body streams.
    pub const fn streaming() -> Self {
        Self { limit: None }
    }
}

impl Default for CollectLayer {
    fn default() -> Self {
        Self::new(COLLECT_LIMIT)
    }
}

impl<S> Layer<S> for CollectLayer {
    type Service = Collect<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Collect {
            inner,
            limit: self.limit,
        }
    }
}

/// Ends a call when the body of its answer was read, up to a limit, and not when its head came.
#[derive(Debug, Clone, Copy)]
pub struct Collect<S> {
    inner: S,
    limit: Option<usize>,
}

impl<S> Collect<S> {
    /// Collects the bodies of `inner` up to `limit` bytes.
    pub const fn new(inner: S, limit: usize) -> Self {
        Self {
            inner,
            limit: Some(limit),
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

impl<S, Request, B> Service<Request> for Collect<S>
where
    S: Service<Request, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        ResponseFuture::new(self.inner.call(request), self.limit)
    }
}
