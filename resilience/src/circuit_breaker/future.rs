//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::breaker::CallGuard;
use super::error::CircuitOpen;
use crate::BoxError;
use crate::classify::Classify;
use crate::readiness::EagerFuture;

pin_project! {
    /// Response future of [`CircuitBreaker`](super::CircuitBreaker).
    pub struct ResponseFuture<S, Request, C>
    where
        S: Service<Request>,
    {
        #[pin]
        call: Call<S, Request, C>,
    }
}

pin_project! {
    #[project = CallProjection]
    enum Call<S, Request, C>
    where
        S: Service<Request>,
    {
        Admitted {
            #[pin]
            future: EagerFuture<S, Request>,
            guard: Option<CallGuard>,
            classify: C,
        },
        Rejected {
            error: Option<CircuitOpen>,
        },
    }
}

impl<S, Request, C> ResponseFuture<S, Request, C>
where
    S: Service<Request>,
{
    pub(super) const fn admitted(
        future: EagerFuture<S, Request>,
        guard: CallGuard,
        classify: C,
    ) -> Self {
        Self {
            call: Call::Admitted {
                future,
                guard: Some(guard),
                classify,
            },
        }
    }

    pub(super) const fn rejected(error: CircuitOpen) -> Self {
        Self {
            call: Call::Rejected { error: Some(error) },
        }
    }
}

impl<S, Request, C> Future for ResponseFuture<S, Request, C>
where
    S: Service<Request>,
    S::Error: Into<BoxError>,
    C: Classify<S::Response, BoxError>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().call.project() {
            CallProjection::Admitted {
                future,
                guard,
                classify,
            } => {
                let result = ready!(future.poll(context)).map_err(Into::into);
                if let Some(guard) = guard.take() {
                    guard.settle(classify.classify(result.as_ref()));
                }
                Poll::Ready(result)
            }
            CallProjection::Rejected { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error.into())),
                // Only a future that already gave its answer comes here.
                None => Poll::Pending,
            },
        }
    }
}
