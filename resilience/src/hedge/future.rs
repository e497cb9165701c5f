//! The future of a call that may be sent more than once at a time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower::ServiceExt;
use tower::util::Oneshot;
use tower_service::Service;

use super::shared::Shared;
use crate::BoxError;
use crate::classify::{Classify, Outcome};
use crate::deadline::Deadline;
use crate::retry::Repetition;

pin_project! {
    /// The future of [`Hedge`](super::Hedge).
    pub struct ResponseFuture<S, C, RequestBody, B>
    where
        S: Service<Request<RequestBody>>,
    {
        #[pin]
        first: Oneshot<S, Request<RequestBody>>,
        // How the first attempt ended, if it failed while a hedge was under way. What is rare
        // is in boxes, so that a stack without hedges does not carry its size.
        failed: Option<Box<Result<Response<B>, BoxError>>>,
        classify: C,
        call: Option<Box<Call<S, RequestBody>>>,
        hedges: Vec<Hedging<S, RequestBody>>,
        patience: Option<Pin<Box<Sleep>>>,
    }
}

/// One hedge under way.
struct Hedging<S, RequestBody>
where
    S: Service<Request<RequestBody>>,
{
    attempt: Pin<Box<Oneshot<S, Request<RequestBody>>>>,
    began: Instant,
}

/// What a further attempt needs.
pub(super) struct Call<S, RequestBody> {
    inner: S,
    shared: Arc<Shared>,
    request: Repetition<RequestBody>,
    deadline: Option<Instant>,
    began: Instant,
    hedges: u32,
}

impl<S, RequestBody> Call<S, RequestBody> {
    pub(super) fn new(inner: S, shared: Arc<Shared>, request: &Request<RequestBody>) -> Self
    where
        RequestBody: Clone,
    {
        Self {
            inner,
            shared,
            request: Repetition::of(request),
            deadline: Deadline::or_of_context(request.extensions()),
            began: Instant::now(),
            hedges: 0,
        }
    }

    /// Whether one more hedge starts now.
    fn may_hedge(&mut self, now: Instant) -> bool {
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(now));
        if self.hedges >= self.shared.config.maximum_hedges || !self.shared.may_hedge(left) {
            return false;
        }
        self.hedges += 1;
        true
    }

    /// Takes note of the good answer: from a hedge that began then, or from the first attempt.
    fn won(&self, hedge_began: Option<Instant>) {
        let now = Instant::now();
        // An attempt that lost would have taken longer than this: to leave it out would make
        // the dependency look faster with every hedge.
        self.shared
            .record(now.saturating_duration_since(self.began));
        if let Some(began) = hedge_began {
            self.shared.record(now.saturating_duration_since(began));
        }
        if self.hedges > 0 {
            self.shared.hedged(hedge_began.is_some());
        }
    }
}

impl<S, C, RequestBody, B> ResponseFuture<S, C, RequestBody, B>
where
    S: Service<Request<RequestBody>>,
{
    /// A call that is sent once.
    pub(super) fn plain(inner: S, request: Request<RequestBody>, classify: C) -> Self {
        Self {
            first: inner.oneshot(request),
            failed: None,
            classify,
            call: None,
            hedges: Vec::new(),
            patience: None,
        }
    }

    /// A call that `call` may send again.
    pub(super) fn hedgeable(
        inner: S,
        request: Request<RequestBody>,
        classify: C,
        call: Call<S, RequestBody>,
    ) -> Self {
        Self {
            patience: Some(Box::pin(sleep(call.shared.delay()))),
            call: Some(Box::new(call)),
            ..Self::plain(inner, request, classify)
        }
    }
}

impl<S, C, RequestBody, B> Future for ResponseFuture<S, C, RequestBody, B>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    C: Classify<Response<B>, BoxError>,
    RequestBody: Clone,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let is_good = |result: &Result<Response<B>, BoxError>| {
            this.classify.classify(result.as_ref()) == Outcome::Success
        };

        if this.failed.is_none()
            && let Poll::Ready(result) = this.first.as_mut().poll(context)
        {
            let result = result.map_err(Into::into);
            let good = is_good(&result);
            if good && let Some(call) = this.call {
                call.won(None);
            }
            if good || this.hedges.is_empty() {
                this.hedges.clear();
                return Poll::Ready(result);
            }
            *this.failed = Some(Box::new(result));
        }

        let mut index = 0;
        while let Some(hedge) = this.hedges.get_mut(index) {
            let Poll::Ready(result) = hedge.attempt.as_mut().poll(context) else {
                index += 1;
                continue;
            };
            let began = hedge.began;
            drop(this.hedges.swap_remove(index));
            let result = result.map_err(Into::into);
            if is_good(&result) {
                if let Some(call) = this.call {
                    call.won(Some(began));
                }
                this.hedges.clear();
                return Poll::Ready(result);
            }
            if this.hedges.is_empty()
                && let Some(failed) = this.failed.take()
            {
                return Poll::Ready(*failed);
            }
        }

        let Some(call) = this.call else {
            return Poll::Pending;
        };
        while let Some(patience) = this.patience {
            // Nothing hedges a call whose first attempt has failed.
            if this.failed.is_some() || patience.as_mut().poll(context).is_pending() {
                break;
            }
            let now = Instant::now();
            if !call.may_hedge(now) {
                *this.patience = None;
                break;
            }
            let mut attempt = Box::pin(call.inner.clone().oneshot(call.request.request()));
            if let Poll::Ready(result) = attempt.as_mut().poll(context) {
                let result = result.map_err(Into::into);
                if is_good(&result) {
                    call.won(Some(now));
                    return Poll::Ready(result);
                }
            } else {
                let began = now;
                this.hedges.push(Hedging { attempt, began });
            }
            *patience = Box::pin(sleep(call.shared.delay()));
        }
        Poll::Pending
    }
}
