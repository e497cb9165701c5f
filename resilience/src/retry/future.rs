//! The future of a call that may take several attempts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tower_service::Service;

use super::config::Waits;
use super::policy::{self, Decision, Ending, GaveUp};
use super::repetition::Repetition;
use super::retry_after;
use super::shared::Shared;
use crate::BoxError;
use crate::classify::Classify;
use crate::deadline::Deadline;
use crate::readiness::EagerFuture;
use crate::transport::TransportError;

/// A wait beyond the end of time: nobody waits for ever.
fn has_no_end(wait: Duration) -> bool {
    Instant::now().checked_add(wait).is_none()
}

pin_project! {
    /// The future of [`Retry`](super::Retry).
    pub struct ResponseFuture<S, C, RequestBody>
    where
        S: Service<Request<RequestBody>>,
    {
        call: Call<S, C, RequestBody>,
        #[pin]
        state: State<S, RequestBody>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, RequestBody>
    where
        S: Service<Request<RequestBody>>,
    {
        Attempting {
            #[pin]
            attempt: EagerFuture<S, Request<RequestBody>>,
        },
        Waiting {
            #[pin]
            sleep: Sleep,
        },
    }
}

/// One call with what is known about its attempts.
pub(super) struct Call<S, C, RequestBody> {
    inner: S,
    shared: Arc<Shared>,
    classify: C,
    /// What a further attempt sends.
    request: Repetition<RequestBody>,
    is_repeatable: bool,
    deadline: Option<Instant>,
    /// Attempts so far, without the refused ones that were repeated freely.
    attempts: u32,
    /// Whether the present attempt is a repetition.
    is_repetition: bool,
    refused: Vec<String>,
    waits: Option<Waits>,
}

impl<S, C, RequestBody> Call<S, C, RequestBody> {
    pub(super) fn new(
        inner: S,
        shared: Arc<Shared>,
        classify: C,
        request: &Request<RequestBody>,
        is_repeatable: bool,
    ) -> Self
    where
        RequestBody: Clone,
    {
        Self {
            inner,
            shared,
            classify,
            request: Repetition::of(request),
            is_repeatable,
            deadline: Deadline::or_of_context(request.extensions()),
            attempts: 0,
            is_repetition: false,
            refused: Vec::new(),
            waits: None,
        }
    }

    /// How long to wait before the next attempt, if there is one.
    fn next_wait<B>(&mut self, result: &Result<Response<B>, BoxError>) -> Option<Duration>
    where
        C: Classify<Response<B>, BoxError>,
    {
        let config = &self.shared.config;
        let ending = policy::ending(result, &self.classify, config, &self.refused);
        if self.is_repetition {
            self.shared.repeated(ending == Ending::Useful);
        }
        self.attempts += 1;
        let maximum = self.shared.config.maximum_attempts;
        let wait = match policy::decide(ending, self.is_repeatable, self.attempts, maximum) {
            Decision::Use => return None,
            Decision::GiveUp(why) => Err(why),
            Decision::RepeatFreely => self.repeat_freely(result),
            Decision::Repeat => self.repeat(retry_after::of(result)),
        };
        match wait {
            Ok(wait) => {
                self.shared.repeats(wait);
                self.is_repetition = true;
                Some(wait)
            }
            Err(why) => {
                self.give_up(why);
                None
            }
        }
    }

    fn repeat_freely<B>(&mut self, result: &Result<B, BoxError>) -> Result<Duration, GaveUp> {
        if !self.has_time_after(Duration::ZERO) {
            return Err(GaveUp::NoTime);
        }
        if let Err(error) = result
            && let Some(error) = TransportError::find(error.as_ref())
        {
            self.refused.push(error.endpoint().to_owned());
        }
        self.attempts -= 1;
        Ok(Duration::ZERO)
    }

    fn repeat(&mut self, asked_for: Option<Duration>) -> Result<Duration, GaveUp> {
        let shared = &self.shared;
        let waits = self.waits.get_or_insert_with(|| shared.waits());
        let own = waits.next().unwrap_or_default();
        let wait = own.max(asked_for.unwrap_or_default());
        let is_too_long = self.deadline.is_none() && wait > shared.config.longest_wait.max(own);
        if is_too_long || has_no_end(wait) || !self.has_time_after(wait) {
            return Err(GaveUp::NoTime);
        }
        if !self.shared.withdraw() {
            return Err(GaveUp::NoBudget);
        }
        Ok(wait)
    }

    fn has_time_after(&self, wait: Duration) -> bool {
        let Some(deadline) = self.deadline else {
            return true;
        };
        let left = deadline.saturating_duration_since(Instant::now());
        left >= wait.saturating_add(self.shared.config.shortest_attempt)
    }

    /// Whoever called this service must not repeat what was repeated here in vain. If only time
    /// was missing, nothing was in vain: the caller may have more of it.
    fn give_up(&self, why: GaveUp) {
        self.shared.gave_up(why);
        let Some(context) = self.request.context() else {
            return;
        };
        if why != GaveUp::NoTime {
            context.mark_not_retryable();
        } else if self.deadline.is_some() {
            context.mark_no_time();
        }
    }
}

impl<S, C, RequestBody> Call<S, C, RequestBody>
where
    S: Service<Request<RequestBody>> + Clone,
    RequestBody: Clone,
{
    fn attempt(&self) -> State<S, RequestBody> {
        State::Attempting {
            attempt: EagerFuture::waiting(self.inner.clone(), self.request.request()),
        }
    }
}

impl<S, C, RequestBody> ResponseFuture<S, C, RequestBody>
where
    S: Service<Request<RequestBody>> + Clone,
    RequestBody: Clone,
{
    /// A call whose first attempt has begun.
    pub(super) const fn new(
        call: Call<S, C, RequestBody>,
        attempt: EagerFuture<S, Request<RequestBody>>,
    ) -> Self {
        let state = State::Attempting { attempt };
        Self { call, state }
    }
}

impl<S, C, RequestBody, B> Future for ResponseFuture<S, C, RequestBody>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    C: Classify<Response<B>, BoxError>,
    RequestBody: Clone,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Attempting { attempt } => {
                    let result = ready!(attempt.poll(context)).map_err(Into::into);
                    match this.call.next_wait(&result) {
                        None => return Poll::Ready(result),
                        Some(Duration::ZERO) => this.call.attempt(),
                        Some(wait) => State::Waiting {
                            sleep: tokio::time::sleep(wait),
                        },
                    }
                }
                StateProjection::Waiting { sleep } => {
                    ready!(sleep.poll(context));
                    this.call.attempt()
                }
            };
            this.state.set(next);
        }
    }
}
