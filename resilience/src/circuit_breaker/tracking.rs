//! When a call has ended: with the head of its answer, or with the end of its body.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use super::breaker::CallGuard;
use crate::body::ResponseBody;
use crate::classify::{Outcome, TrailerRule};

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

/// What the end of a body is judged by.
#[derive(Debug)]
struct Following {
    call: Unsettled,
    trailers: TrailerRule,
    /// When the head came, where the call is a probe.
    probes_since: Option<Instant>,
    /// Runs while the reader waits.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Following {
    fn begin(call: Unsettled, trailers: TrailerRule) -> Self {
        Self {
            probes_since: call.0.asks().then(Instant::now),
            call,
            trailers,
            patience: None,
        }
    }

    /// A part has come. Whether the call is settled by it: a probe that still delivers when
    /// hanging ones are given up has proved its dependency well.
    fn delivers(&mut self) -> bool {
        self.patience = None;
        self.probes_since
            .is_some_and(|since| self.call.0.delivers(since))
    }

    /// Nothing has come. Whether the call is settled by it: nothing came for so long that the
    /// body counts as stalled.
    fn waits(&mut self, context: &mut Context<'_>) -> bool {
        let Some(longest) = self.call.0.stalled_after() else {
            return false;
        };
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(sleep(longest)));
        let has_stalled = patience.as_mut().poll(context).is_ready();
        if has_stalled {
            self.call.settle(Outcome::Failure);
        }
        has_stalled
    }
}

mod sealed {
    use super::{Outcome, TrailerRule, Unsettled};

    pub trait Settles<Response> {
        /// What the caller gets.
        type Output;

        /// Settles the call in its place, or takes it along.
        fn track(
            &self,
            response: Response,
            call: &mut Option<Unsettled>,
            outcome: Outcome,
            trailers: TrailerRule,
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
    trailers: TrailerRule,
) -> T::Output {
    tracking.track(response, call, outcome, trailers)
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
    fn track(
        &self,
        response: R,
        call: &mut Option<Unsettled>,
        outcome: Outcome,
        _: TrailerRule,
    ) -> R {
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
        trailers: TrailerRule,
    ) -> Self::Output {
        let call = match outcome {
            Outcome::Success if !response.body().is_end_stream() => call.take(),
            _ => {
                settle(call, outcome);
                None
            }
        };
        let following = call.map(|call| Following::begin(call, trailers));
        response.map(|body| TrackedBody { body, following })
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
        trailers: TrailerRule,
    ) -> Self::Output {
        if outcome != Outcome::Success || response.body().bytes().is_some() {
            settle(call, outcome);
            return response;
        }
        let call = call.take();
        let following = call.map(|call| Following::begin(call, trailers));
        response.map(|body| body.map_rest(|body| TrackedBody { body, following }))
    }
}

pin_project! {
    /// A body whose end tells the breaker how the call went.
    ///
    /// - Read to its end, the call was good, unless the classifier's
    ///   [rule about trailers](crate::classify::Classify::trailers) says otherwise.
    /// - Broken off by an error, it failed.
    /// - When nothing comes for [`stalled_after`](super::CircuitBreakerConfig::stalled_after)
    ///   although its reader waits, it has failed, from that moment on and whether the reader goes
    ///   on waiting or not. The body itself is left as it is.
    /// - Dropped before that, it says nothing, unless it had outlived the threshold of slow calls.
    /// - A probe whose body still delivers after the
    ///   [half-open deadline](super::CircuitBreakerConfig::half_open_deadline) was good: a stream
    ///   without an end must not keep a breaker from closing.
    #[derive(Debug)]
    pub struct TrackedBody<B> {
        #[pin]
        body: B,
        // None once the call is settled.
        following: Option<Following>,
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
        let frame = this.body.as_mut().poll_frame(context);
        let Some(following) = this.following else {
            return frame;
        };
        let outcome = match &frame {
            Poll::Pending => {
                if following.waits(context) {
                    *this.following = None;
                }
                return frame;
            }
            Poll::Ready(None) => Some(Outcome::Success),
            Poll::Ready(Some(Err(_))) => Some(Outcome::Failure),
            Poll::Ready(Some(Ok(frame))) => match frame.trailers_ref() {
                Some(trailers) => Some(following.trailers.judge(trailers)),
                // Whoever knows that this was the last frame need not ask for another one.
                None => this.body.is_end_stream().then_some(Outcome::Success),
            },
        };
        if let Some(outcome) = outcome {
            following.call.settle(outcome);
            *this.following = None;
        } else if following.delivers() {
            *this.following = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
