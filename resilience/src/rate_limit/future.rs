//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::error::RateLimited;
use super::standing::Standing;
use crate::BoxError;
use crate::readiness::EagerFuture;

pin_project! {
    /// Response future of [`RateLimit`](super::RateLimit).
    pub struct ResponseFuture<S, Request>
    where
        S: Service<Request>,
    {
        #[pin]
        stage: Stage<S, Request>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, Request>
    where
        S: Service<Request>,
    {
        Passed {
            #[pin]
            future: EagerFuture<S, Request>,
            standing: Option<Standing>,
        },
        Refused {
            error: Option<RateLimited>,
        },
    }
}

impl<S, Request> ResponseFuture<S, Request>
where
    S: Service<Request>,
{
    pub(super) const fn passed(
        future: EagerFuture<S, Request>,
        standing: Option<Standing>,
    ) -> Self {
        Self {
            stage: Stage::Passed { future, standing },
        }
    }

    pub(super) const fn refused(error: RateLimited) -> Self {
        Self {
            stage: Stage::Refused { error: Some(error) },
        }
    }
}

impl<S, Request, B> Future for ResponseFuture<S, Request>
where
    S: Service<Request, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().stage.project() {
            StageProjection::Passed { future, standing } => {
                let mut response = ready!(future.poll(context)).map_err(Into::into)?;
                if let Some(standing) = standing {
                    standing.write_to(response.headers_mut());
                }
                Poll::Ready(Ok(response))
            }
            StageProjection::Refused { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error.into())),
                // Only a future that already gave its answer comes here.
                None => Poll::Pending,
            },
        }
    }
}
