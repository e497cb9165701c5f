//! Writing the context into the headers of each attempt.

use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::context::{CallContext, headers};
use crate::deadline::Deadline;
use crate::timeout::TimeoutLayer;

/// Wraps a service into a [`Propagate`].
#[derive(Debug, Clone)]
pub(super) struct PropagateLayer {
    timeout: Option<TimeoutLayer>,
    caller: Option<HeaderValue>,
}

impl PropagateLayer {
    /// Inside of `timeout`, which may follow what is measured.
    pub(super) const fn new(timeout: Option<TimeoutLayer>, caller: Option<HeaderValue>) -> Self {
        Self { timeout, caller }
    }
}

impl<S> Layer<S> for PropagateLayer {
    type Service = Propagate<S>;

    fn layer(&self, inner: S) -> Propagate<S> {
        Propagate {
            inner,
            timeout: self.timeout.clone(),
            caller: self.caller.clone(),
        }
    }
}

/// Tells the dependency who calls, trace, priority and how long its answer is of use: until the deadline,
/// or until this attempt is given up, whichever comes first.
#[derive(Debug, Clone)]
pub(super) struct Propagate<S> {
    inner: S,
    timeout: Option<TimeoutLayer>,
    caller: Option<HeaderValue>,
}

impl<S> Propagate<S> {
    fn useful_for(&self, deadline: Option<Instant>) -> Option<Duration> {
        let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let attempt = self.timeout.as_ref().map(TimeoutLayer::present);
        [left, attempt].into_iter().flatten().min()
    }
}

impl<S, B> Service<Request<B>> for Propagate<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let context = CallContext::of(request.extensions());
        let deadline = Deadline::of(request.extensions());
        if let Some(context) = context {
            headers::write_context(request.headers_mut(), &context);
        }
        if let Some(caller) = &self.caller {
            request
                .headers_mut()
                .insert(headers::CALLER, caller.clone());
        }
        if let Some(left) = self.useful_for(deadline) {
            headers::write_left(request.headers_mut(), left);
        }
        self.inner.call(request)
    }
}
