//! A future behind a breaker, for what is no Tower service.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::breaker::CallGuard;
use super::errors::BreakerError;
use super::handle::{BreakerHandle, Held};
use crate::classify::{Classify, Outcome};

/// Judges by success and error alone.
#[derive(Debug, Clone, Copy)]
pub struct ErrorsAreFailures;

impl<T, E> Classify<T, E> for ErrorsAreFailures {
    #[inline]
    fn classify(&self, result: Result<&T, &E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        }
    }
}

pin_project! {
    /// The future of [`BreakerHandle::call`]. It asks the breaker when it is polled first; dropped
    /// before its end, the call counts as cancelled.
    #[must_use = "futures do nothing unless they are polled"]
    #[derive(Debug)]
    pub struct Call<'a, F, C = ErrorsAreFailures> {
        #[pin]
        future: F,
        handle: &'a BreakerHandle,
        guard: Option<CallGuard<Held<'a>>>,
        classify: C,
    }
}

impl<'a, F, C> Call<'a, F, C> {
    #[inline]
    pub(super) const fn new(handle: &'a BreakerHandle, future: F, classify: C) -> Self {
        Self {
            future,
            handle,
            guard: None,
            classify,
        }
    }
}

impl<F, C, T, E> Future for Call<'_, F, C>
where
    F: Future<Output = Result<T, E>>,
    C: Classify<T, E>,
{
    type Output = Result<T, BreakerError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let guard = match this.guard {
            Some(guard) => guard,
            None => match this.handle.pass() {
                Some(guard) => this.guard.insert(guard),
                None => match this.handle.ask() {
                    Ok(guard) => this.guard.insert(guard),
                    Err(open) => return Poll::Ready(Err(BreakerError::Open(open))),
                },
            },
        };
        let result = ready!(this.future.poll(context));
        guard.settle(this.classify.classify(result.as_ref()));
        Poll::Ready(result.map_err(BreakerError::Failed))
    }
}
