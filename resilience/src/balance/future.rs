//! The future of a balanced call.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::replicas::Ending;
use super::shared::Flight;
use crate::BoxError;
use crate::classify::{Classify, Outcome};
use crate::context::headers;
use crate::readiness::EagerFuture;

pin_project! {
    /// The future of [`Balance`](super::Balance).
    pub struct ResponseFuture<S, Request, C>
    where
        S: Service<Request>,
    {
        #[pin]
        state: State<S, Request, C>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, Request, C>
    where
        S: Service<Request>,
    {
        Sent {
            #[pin]
            response: EagerFuture<S, Request>,
            flight: Option<Flight>,
            classify: C,
        },
        Failed {
            error: Option<BoxError>,
        },
    }
}

impl<S, Request, C> ResponseFuture<S, Request, C>
where
    S: Service<Request>,
{
    pub(super) const fn new(
        response: EagerFuture<S, Request>,
        flight: Flight,
        classify: C,
    ) -> Self {
        Self {
            state: State::Sent {
                response,
                flight: Some(flight),
                classify,
            },
        }
    }

    pub(super) const fn failed(error: BoxError) -> Self {
        Self {
            state: State::Failed { error: Some(error) },
        }
    }
}

impl<S, Request, C, B> Future for ResponseFuture<S, Request, C>
where
    S: Service<Request, Response = Response<B>>,
    S::Error: Into<BoxError>,
    C: Classify<Response<B>, BoxError>,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Sent {
                response,
                flight,
                classify,
            } => {
                let result = ready!(response.poll(context)).map_err(Into::into);
                if let Some(flight) = flight.take() {
                    flight.finish(ending(&result, classify));
                }
                Poll::Ready(result)
            }
            StateProjection::Failed { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
        }
    }
}

/// What the result says about the endpoint that gave it.
///
/// A failure marked as not to be repeated happened further down and would have happened at
/// every other endpoint too: ejecting the messenger would help nobody.
fn ending<B, C>(result: &Result<Response<B>, BoxError>, classify: &C) -> Ending
where
    C: Classify<Response<B>, BoxError>,
{
    match classify.classify(result.as_ref()) {
        Outcome::Success => Ending::Success,
        Outcome::Neutral => Ending::Neutral,
        Outcome::Failure => match result {
            Ok(response) if headers::is_not_to_be_retried(response.headers()) => Ending::Neutral,
            _ => Ending::Failure,
        },
    }
}
