//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::breaker::CallGuard;
use super::error::CircuitOpen;
use super::tracking::{AtHead, Tracked, Tracking, track};
use crate::BoxError;
use crate::classify::Classify;
use crate::readiness::EagerFuture;

pin_project! {
    /// Response future of [`CircuitBreaker`](super::CircuitBreaker).
    pub struct ResponseFuture<S, Request, C, T = AtHead>
    where
        S: Service<Request>,
    {
        #[pin]
        call: Call<S, Request, C, T>,
    }
}

pin_project! {
    #[project = CallProjection]
    enum Call<S, Request, C, T>
    where
        S: Service<Request>,
    {
        Admitted {
            #[pin]
            future: EagerFuture<S, Request>,
            guard: Option<CallGuard>,
            classify: C,
            tracking: T,
        },
        Rejected {
            error: Option<CircuitOpen>,
        },
    }
}

impl<S, Request, C, T> ResponseFuture<S, Request, C, T>
where
    S: Service<Request>,
{
    pub(super) const fn admitted(
        future: EagerFuture<S, Request>,
        guard: CallGuard,
        classify: C,
        tracking: T,
    ) -> Self {
        Self {
            call: Call::Admitted {
                future,
                guard: Some(guard),
                classify,
                tracking,
            },
        }
    }

    pub(super) const fn rejected(error: CircuitOpen) -> Self {
        Self {
            call: Call::Rejected { error: Some(error) },
        }
    }
}

impl<S, Request, C, T> Future for ResponseFuture<S, Request, C, T>
where
    S: Service<Request>,
    S::Error: Into<BoxError>,
    C: Classify<S::Response, BoxError>,
    T: Tracking<S::Response>,
{
    type Output = Result<Tracked<T, S::Response>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().call.project() {
            CallProjection::Admitted {
                future,
                guard,
                classify,
                tracking,
            } => {
                let result = ready!(future.poll(context)).map_err(Into::into);
                let Some(guard) = guard.take() else {
                    // Only a future that already gave its answer comes here.
                    return Poll::Pending;
                };
                let outcome = classify.classify(result.as_ref());
                Poll::Ready(match result {
                    Ok(response) => Ok(track(tracking, response, guard, outcome)),
                    Err(error) => {
                        guard.settle(outcome);
                        Err(error)
                    }
                })
            }
            CallProjection::Rejected { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error.into())),
                // Only a future that already gave its answer comes here.
                None => Poll::Pending,
            },
        }
    }
}
