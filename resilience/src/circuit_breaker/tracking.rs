//! When a call has ended: with the head of its answer, or with the end of its body.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::breaker::CallGuard;
use crate::body::ResponseBody;
use crate::classify::Outcome;

/// Settles a call whose answer is here. Sealed: [`AtHead`] and [`AtEnd`] are all there are.
pub trait Tracking<Response>: Clone + sealed::Settles<Response> {}

impl<R, T: Clone + sealed::Settles<R>> Tracking<R> for T {}

/// The right to a call, as the strategies see it.
#[derive(Debug)]
pub struct Unsettled(CallGuard);

impl Unsettled {
    #[inline]
    pub(super) const fn new(guard: CallGuard) -> Self {
        Self(guard)
    }

    #[inline]
    pub(super) fn settle(&mut self, outcome: Outcome) {
        self.0.settle(outcome);
    }
}

mod sealed {
    use super::{Outcome, Unsettled};

    pub trait Settles<Response> {
        /// What the caller gets.
        type Output;

        /// Settles the call in its place, or takes it along.
        fn track(
            &self,
            response: Response,
            call: &mut Option<Unsettled>,
            outcome: Outcome,
        ) -> Self::Output;
    }
}

/// What the caller of a breaker with this strategy gets.
pub(super) type Tracked<T, Response> = <T as sealed::Settles<Response>>::Output;

#[inline]
pub(super) fn track<T: sealed::Settles<R>, R>(
    tracking: &T,
    response: R,
    call: &mut Option<Unsettled>,
    outcome: Outcome,
) -> T::Output {
    tracking.track(response, call, outcome)
}

#[inline]
pub(super) fn settle(call: &mut Option<Unsettled>, outcome: Outcome) {
    if let Some(call) = call {
        call.settle(outcome);
    }
}

/// A call ends when its answer comes.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct AtHead;

impl<R> sealed::Settles<R> for AtHead {
    type Output = R;

    #[inline]
    fn track(&self, response: R, call: &mut Option<Unsettled>, outcome: Outcome) -> R {
        settle(call, outcome);
        response
    }
}

/// A good call ends when its body does: what breaks off in mid-stream is a failure.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct AtEnd;

impl<B: Body> sealed::Settles<Response<B>> for AtEnd {
    type Output = Response<TrackedBody<B>>;

    fn track(
        &self,
        response: Response<B>,
        call: &mut Option<Unsettled>,
        outcome: Outcome,
    ) -> Self::Output {
        let call = match outcome {
            Outcome::Success if !response.body().is_end_stream() => call.take(),
            _ => {
                settle(call, outcome);
                None
            }
        };
        response.map(|body| TrackedBody { body, call })
    }
}

/// A good call ends when its body does, where that was not collected whole already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtEndOfStream;

impl sealed::Settles<Response<ResponseBody>> for AtEndOfStream {
    type Output = Response<ResponseBody>;

    fn track(
        &self,
        response: Response<ResponseBody>,
        call: &mut Option<Unsettled>,
        outcome: Outcome,
    ) -> Self::Output {
        if outcome != Outcome::Success || response.body().bytes().is_some() {
            settle(call, outcome);
            return response;
        }
        let call = call.take();
        response.map(|body| body.map_rest(|body| TrackedBody { body, call }))
    }
}

pin_project! {
    /// A body whose end tells the breaker how the call went.
    ///
    /// Read to its end, the call was good, unless trailers carry a `grpc-status` that blames the
    /// server; broken off by an error, it failed. Dropped before its end it says nothing, unless
    /// it had outlived the threshold of slow calls: so a stream that stalls until its reader
    /// gives up counts as slow.
    #[derive(Debug)]
    pub struct TrackedBody<B> {
        #[pin]
        body: B,
        call: Option<Unsettled>,
    }
}

impl<B: Body> Body for TrackedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(context));
        let outcome = match &frame {
            None => Some(Outcome::Success),
            Some(Err(_)) => Some(Outcome::Failure),
            Some(Ok(frame)) => match frame.trailers_ref() {
                Some(trailers) => Some(of_trailers(trailers)),
                // Whoever knows that this was the last frame need not ask for another one.
                None => this.body.is_end_stream().then_some(Outcome::Success),
            },
        };
        if let Some(outcome) = outcome {
            settle(this.call, outcome);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The statuses of gRPC that blame the server, as OpenTelemetry's conventions for gRPC servers
/// list them: unknown, deadline exceeded, unimplemented, internal, unavailable, data loss.
const GRPC_FAILURES: [&str; 6] = ["2", "4", "12", "13", "14", "15"];

fn of_trailers(trailers: &HeaderMap) -> Outcome {
    let status = trailers.get("grpc-status");
    let is_failure = |status: &HeaderValue| GRPC_FAILURES.iter().any(|code| status == code);
    if status.is_some_and(is_failure) {
        return Outcome::Failure;
    }
    Outcome::Success
}
