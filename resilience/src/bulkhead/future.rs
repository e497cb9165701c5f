//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::ServiceExt;
use tower_service::Service;

use super::error::BulkheadFull;
use super::places::{Acquire, Place, Places, QueuePlace};
use crate::BoxError;
use crate::readiness::EagerFuture;

pin_project! {
    /// Response future of [`Bulkhead`](super::Bulkhead).
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
        Queued {
            places: Arc<Places>,
            place: QueuePlace,
            acquire: Acquire,
            #[pin]
            patience: Sleep,
            call: Option<(S, Request)>,
        },
        Entered {
            #[pin]
            future: EagerFuture<S, Request>,
            place: Place,
        },
        Rejected {
            error: Option<BulkheadFull>,
        },
    }
}

impl<S, Request> ResponseFuture<S, Request>
where
    S: Service<Request>,
{
    pub(super) const fn entered(future: EagerFuture<S, Request>, place: Place) -> Self {
        Self {
            stage: Stage::Entered { future, place },
        }
    }

    pub(super) fn queued(
        places: Arc<Places>,
        place: QueuePlace,
        acquire: Acquire,
        inner: S,
        request: Request,
    ) -> Self {
        let patience = sleep(places.queue_wait());
        Self {
            stage: Stage::Queued {
                places,
                place,
                acquire,
                patience,
                call: Some((inner, request)),
            },
        }
    }

    pub(super) const fn rejected(error: BulkheadFull) -> Self {
        Self {
            stage: Stage::Rejected { error: Some(error) },
        }
    }
}

impl<S, Request> Future for ResponseFuture<S, Request>
where
    S: Service<Request>,
    S::Error: Into<BoxError>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let next = match stage.as_mut().project() {
                StageProjection::Entered { future, .. } => {
                    return future.poll(context).map_err(Into::into);
                }
                StageProjection::Queued {
                    places,
                    acquire,
                    patience,
                    call,
                    ..
                } => {
                    let acquired = acquire.as_mut().poll(context);
                    if acquired.is_pending() && patience.poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    // The semaphore is never closed, so only the wait can end without a place.
                    match (acquired, call.take()) {
                        (Poll::Ready(Ok(permit)), Some((inner, request))) => Stage::Entered {
                            future: EagerFuture::Waiting {
                                future: inner.oneshot(request),
                            },
                            place: places.taken(permit),
                        },
                        _ => Stage::Rejected {
                            error: Some(places.waited_in_vain()),
                        },
                    }
                }
                StageProjection::Rejected { error } => {
                    return match error.take() {
                        Some(error) => Poll::Ready(Err(error.into())),
                        // Only a future that already gave its answer comes here.
                        None => Poll::Pending,
                    };
                }
            };
            stage.set(next);
        }
    }
}
