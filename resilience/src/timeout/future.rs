//! The response future.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tower_service::Service;

use super::error::TimeoutElapsed;
use super::layer::Rules;
use crate::BoxError;
use crate::readiness::EagerFuture;

pin_project! {
    /// Response future of [`Timeout`](super::Timeout).
    pub struct ResponseFuture<S, Request>
    where
        S: Service<Request>,
    {
        #[pin]
        future: EagerFuture<S, Request>,
        // Set when the answer is not there at once.
        patience: Option<Pin<Box<Sleep>>>,
        began: Instant,
        after: Duration,
        cut_by_deadline: bool,
        rules: Arc<Rules>,
    }
}

impl<S: Service<Request>, Request> ResponseFuture<S, Request> {
    /// The call `future`, which began at `now` with so much time `left` before its deadline.
    pub(super) fn new(
        future: EagerFuture<S, Request>,
        now: Instant,
        left: Option<Duration>,
        rules: Arc<Rules>,
    ) -> Self {
        let patience = rules.patience.present();
        let cut_by_deadline = left.is_some_and(|left| left < patience);
        let after = left.map_or(patience, |left| left.min(patience));
        Self {
            began: now,
            future,
            patience: None,
            after,
            cut_by_deadline,
            rules,
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
        let this = self.project();
        // The answer first: one that came in time must not be thrown away because this
        // task was late to look at it.
        if let Poll::Ready(result) = this.future.poll(context) {
            if result.is_ok() && this.rules.patience.learns() {
                this.rules.patience.learn(this.began.elapsed());
            }
            return Poll::Ready(result.map_err(Into::into));
        }
        let patience = this.patience.get_or_insert_with(|| {
            let end = this.began.checked_add(*this.after);
            Box::pin(end.map_or_else(|| sleep(*this.after), sleep_until))
        });
        ready!(patience.as_mut().poll(context));
        this.rules.give_up(*this.after);
        if !*this.cut_by_deadline {
            this.rules.patience.learn(*this.after);
        }
        let error = TimeoutElapsed {
            name: Arc::clone(&this.rules.name),
            after: *this.after,
            cut_by_deadline: *this.cut_by_deadline,
        };
        Poll::Ready(Err(error.into()))
    }
}
