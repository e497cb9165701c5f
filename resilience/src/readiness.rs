//! Readiness that is asked for early and never waited for.
//!
//! A part that may reject a call must not wait for the service behind it first: a hung
//! dependency would block the very rejection that protects the caller. So such a part is
//! always ready itself, asks the inner service in passing, and waits for it inside the
//! future of the call where it was not ready yet.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower::ServiceExt;
use tower::util::Oneshot;
use tower_service::Service;

/// A service together with what is known about its readiness.
#[derive(Debug)]
pub(crate) struct EagerService<S> {
    service: S,
    is_ready: bool,
}

impl<S> EagerService<S> {
    pub(crate) const fn new(service: S) -> Self {
        Self {
            service,
            is_ready: false,
        }
    }

    pub(crate) const fn get_ref(&self) -> &S {
        &self.service
    }

    pub(crate) const fn get_mut(&mut self) -> &mut S {
        &mut self.service
    }

    pub(crate) fn into_inner(self) -> S {
        self.service
    }
}

impl<S: Clone> EagerService<S> {
    /// Asks for readiness without waiting for it.
    ///
    /// An error of `poll_ready` is final for the handle that was asked. The call will meet
    /// it again through a fresh one, where it can be classified.
    pub(crate) fn ask<Request>(&mut self, context: &mut Context<'_>)
    where
        S: Service<Request>,
    {
        if self.is_ready {
            return;
        }
        match self.service.poll_ready(context) {
            Poll::Ready(Ok(())) => self.is_ready = true,
            Poll::Ready(Err(_)) => self.service = self.service.clone(),
            Poll::Pending => {}
        }
    }

    /// Calls the service: at once if it is ready, else as soon as it is.
    pub(crate) fn call<Request>(&mut self, request: Request) -> EagerFuture<S, Request>
    where
        S: Service<Request>,
    {
        if self.is_ready {
            self.is_ready = false;
            let future = self.service.call(request);
            return EagerFuture::Called { future };
        }
        let future = self.take().oneshot(request);
        EagerFuture::Waiting { future }
    }

    /// The handle that was asked, which may have a place in a queue or be ready already:
    /// its clone, which stays here, has neither.
    pub(crate) fn take(&mut self) -> S {
        self.is_ready = false;
        let clone = self.service.clone();
        std::mem::replace(&mut self.service, clone)
    }

    /// Gives back what the readiness reserved: no call will follow.
    pub(crate) fn forget(&mut self) {
        if self.is_ready {
            drop(self.take());
        }
    }
}

impl<S: Clone> Clone for EagerService<S> {
    fn clone(&self) -> Self {
        // Readiness belongs to the handle that was polled.
        Self::new(self.service.clone())
    }
}

pin_project! {
    /// Response future of [`EagerService`].
    #[project = EagerProjection]
    pub(crate) enum EagerFuture<S, Request>
    where
        S: Service<Request>,
    {
        Called { #[pin] future: S::Future },
        Waiting { #[pin] future: Oneshot<S, Request> },
    }
}

impl<S, Request> Future for EagerFuture<S, Request>
where
    S: Service<Request>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            EagerProjection::Called { future } => future.poll(context),
            EagerProjection::Waiting { future } => future.poll(context),
        }
    }
}
