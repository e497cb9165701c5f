//! The future of a call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

/// The future of [`LoadShed`](super::LoadShed).
pub struct ResponseFuture<T, E>(BoxFuture<'static, Result<T, E>>);

impl<T, E> ResponseFuture<T, E> {
    pub(super) fn new(call: impl Future<Output = Result<T, E>> + Send + 'static) -> Self {
        Self(Box::pin(call))
    }
}

impl<T, E> Future for ResponseFuture<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<T, E> fmt::Debug for ResponseFuture<T, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ResponseFuture")
            .finish_non_exhaustive()
    }
}
