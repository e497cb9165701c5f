//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::breaker::CallGuard;
use super::error::CircuitOpen;
use super::errors::{Boxed, Errors};
use super::tracking::{AtHead, Tracked, Tracking, Unsettled, settle, track};
use crate::classify::Classify;
use crate::readiness::EagerFuture;

pin_project! {
    /// Response future of [`CircuitBreaker`](super::CircuitBreaker).
    pub struct ResponseFuture<S, Request, C, T = AtHead, E = Boxed>
    where
        S: Service<Request>,
    {
        #[pin]
        call: Call<S, Request, C, T>,
        errors: E,
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
            call: Option<Unsettled>,
            classify: C,
            tracking: T,
        },
        Rejected {
            error: Option<CircuitOpen>,
        },
    }
}

impl<S, Request, C, T, E> ResponseFuture<S, Request, C, T, E>
where
    S: Service<Request>,
{
    #[inline]
    pub(super) const fn admitted(
        future: EagerFuture<S, Request>,
        guard: CallGuard,
        classify: C,
        tracking: T,
        errors: E,
    ) -> Self {
        Self {
            call: Call::Admitted {
                future,
                call: Some(Unsettled::new(guard)),
                classify,
                tracking,
            },
            errors,
        }
    }

    #[inline]
    pub(super) const fn rejected(error: CircuitOpen, errors: E) -> Self {
        Self {
            call: Call::Rejected { error: Some(error) },
            errors,
        }
    }
}

impl<S, Request, C, T, E> Future for ResponseFuture<S, Request, C, T, E>
where
    S: Service<Request>,
    E: Errors<S::Error>,
    C: Classify<S::Response, E::Judged>,
    T: Tracking<S::Response>,
{
    type Output = Result<Tracked<T, S::Response>, E::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let errors = this.errors;
        match this.call.project() {
            CallProjection::Admitted {
                future,
                call,
                classify,
                tracking,
            } => {
                let result = ready!(future.poll(context)).map_err(|error| errors.judged(error));
                let outcome = classify.classify(result.as_ref());
                Poll::Ready(match result {
                    Ok(response) => {
                        let trailers = classify.trailers();
                        Ok(track(tracking, response, call, outcome, trailers))
                    }
                    Err(error) => {
                        settle(call, outcome);
                        Err(errors.failed(error))
                    }
                })
            }
            CallProjection::Rejected { error } => match error.take() {
                Some(error) => Poll::Ready(Err(errors.rejected(error))),
                // Only a future that already gave its answer comes here.
                None => Poll::Pending,
            },
        }
    }
}
