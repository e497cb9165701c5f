//! Clones that cost nothing until they are used.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tower_layer::Layer;
use tower_service::Service;

use crate::readiness::{EagerFuture, EagerService};

/// Wraps a service into a [`Lazy`].
#[derive(Debug, Clone, Copy)]
pub(super) struct LazyLayer;

impl<S> Layer<S> for LazyLayer {
    type Service = Lazy<S>;

    fn layer(&self, inner: S) -> Lazy<S> {
        Lazy {
            template: Arc::new(inner),
        }
    }
}

/// A service that is cloned for each call, and not when this is cloned; always ready.
///
/// A part that may call again keeps a clone for that, which most calls never use. The future of
/// a call is in a box of its own: the parts outside move theirs when they begin and end, and what
/// they move should be small.
#[derive(Debug)]
pub(super) struct Lazy<S> {
    template: Arc<S>,
}

impl<S> Clone for Lazy<S> {
    fn clone(&self) -> Self {
        Self {
            template: Arc::clone(&self.template),
        }
    }
}

impl<S, Request> Service<Request> for Lazy<S>
where
    S: Service<Request> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<EagerFuture<S, Request>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut own = EagerService::new(S::clone(&self.template));
        // Where it is not ready, the future of the call asks again, with a waker that counts.
        own.ask(&mut Context::from_waker(Waker::noop()));
        Box::pin(own.call(request))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tower::ServiceExt;

    use super::*;

    /// Counts its clones.
    #[derive(Default)]
    struct Counted(Arc<AtomicUsize>);

    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::Relaxed);
            Self(Arc::clone(&self.0))
        }
    }

    impl Service<()> for Counted {
        type Response = ();
        type Error = ();
        type Future = std::future::Ready<Result<(), ()>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, (): ()) -> Self::Future {
            std::future::ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_clone_that_is_not_called_clones_nothing() {
        let counted = Counted::default();
        let clones = Arc::clone(&counted.0);
        let lazy = LazyLayer.layer(counted);
        let second = lazy.clone();
        assert_eq!(clones.load(Ordering::Relaxed), 0);
        second.oneshot(()).await.unwrap();
        assert_eq!(clones.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn readiness_that_comes_later_is_waited_for_within_the_call() {
        let (mock, mut handle) = tower_test::mock::pair::<(), ()>();
        handle.allow(0);
        let call = tokio::spawn(LazyLayer.layer(mock).oneshot(()));
        tokio::task::yield_now().await;
        assert!(!call.is_finished());
        handle.allow(1);
        let ((), respond) = handle.next_request().await.unwrap();
        respond.send_response(());
        call.await.unwrap().unwrap();
    }
}
