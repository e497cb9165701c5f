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
    #[inline]
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
    #[inline]
    pub(crate) fn call<Request>(&mut self, request: Request) -> EagerFuture<S, Request>
    where
        S: Service<Request>,
    {
        if self.use_readiness() {
            let future = self.service.call(request);
            return EagerFuture::Called { future };
        }
        self.call_later(request)
    }

    /// Whether the service may be called at once, which one call does then.
    #[inline]
    pub(crate) const fn use_readiness(&mut self) -> bool {
        std::mem::replace(&mut self.is_ready, false)
    }

    #[inline(never)]
    fn call_later<Request>(&mut self, request: Request) -> EagerFuture<S, Request>
    where
        S: Service<Request>,
    {
        EagerFuture::waiting(self.take(), request)
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
        // In a box, so that a call that need not wait is not as large as one that must.
        Waiting { future: Pin<Box<Oneshot<S, Request>>> },
    }
}

impl<S: Service<Request>, Request> EagerFuture<S, Request> {
    /// Calls the service as soon as it is ready.
    pub(crate) fn waiting(service: S, request: Request) -> Self {
        let future = Box::pin(service.oneshot(request));
        Self::Waiting { future }
    }
}

impl<S, Request> Future for EagerFuture<S, Request>
where
    S: Service<Request>,
{
    type Output = Result<S::Response, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            EagerProjection::Called { future } => future.poll(context),
            EagerProjection::Waiting { future } => future.as_mut().poll(context),
        }
    }
}
