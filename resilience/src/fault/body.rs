//! Bodies that break off or come slowly.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use super::error::InjectedAbort;
use super::lease::{End, Term};
use crate::BoxError;

/// What a fault does to a body, as far as it has come, and until when.
#[derive(Debug)]
pub(crate) struct BodyFault {
    effect: Effect,
    end: End,
}

#[derive(Debug)]
enum Effect {
    Reset {
        left: u64,
    },
    Throttle {
        bytes_per_second: u64,
        waiting: Option<Pin<Box<Sleep>>>,
        /// The rest of what the inner body gave.
        pending: Bytes,
    },
}

impl BodyFault {
    pub(super) fn reset(after_bytes: u64, term: Term) -> Self {
        Self {
            effect: Effect::Reset { left: after_bytes },
            end: term.end(),
        }
    }

    pub(super) fn throttle(bytes_per_second: u64, term: Term) -> Self {
        Self {
            effect: Effect::Throttle {
                bytes_per_second,
                waiting: None,
                pending: Bytes::new(),
            },
            end: term.end(),
        }
    }

    /// What it still holds back, once it is over.
    fn release(self) -> Option<Frame<Bytes>> {
        match self.effect {
            Effect::Throttle { pending, .. } if !pending.is_empty() => Some(Frame::data(pending)),
            _ => None,
        }
    }
}

/// How often a throttled body sends a part: ten times a second looks like a slow line.
const TICKS_PER_SECOND: u64 = 10;

pin_project! {
    /// The body of an answer, with or without a fault.
    #[derive(Debug)]
    pub struct FaultyBody<B> {
        #[pin]
        body: Option<B>,
        // In a box, so that whole ones are not as large.
        fault: Option<Box<BodyFault>>,
    }
}

impl<B> FaultyBody<B> {
    #[inline]
    pub(crate) fn new(body: B, fault: Option<BodyFault>) -> Self {
        Self {
            body: Some(body),
            fault: fault.map(Box::new),
        }
    }

    /// No body at all.
    pub(crate) const fn empty() -> Self {
        Self {
            body: None,
            fault: None,
        }
    }

    /// Breaks off before anything comes.
    pub(crate) fn aborted() -> Self {
        Self {
            body: None,
            fault: Some(Box::new(BodyFault::reset(0, Term::of_the_request()))),
        }
    }
}

impl<B> Body for FaultyBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if let Some(fault) = this.fault
            && Pin::new(&mut fault.end).poll(context).is_ready()
            && let Some(held_back) = this.fault.take().and_then(|fault| fault.release())
        {
            return Poll::Ready(Some(Ok(held_back)));
        }
        let Some(fault) = this.fault else {
            return match this.body.as_pin_mut() {
                Some(body) => body.poll_frame(context).map_err(Into::into),
                None => Poll::Ready(None),
            };
        };
        match &mut fault.effect {
            Effect::Reset { left: 0 } => Poll::Ready(Some(Err(InjectedAbort.into()))),
            Effect::Reset { left } => {
                let frame = ready!(next(this.body, context)?);
                Poll::Ready(frame.map(|frame| Ok(cut(frame, left))))
            }
            Effect::Throttle {
                bytes_per_second,
                waiting,
                pending,
            } => {
                if let Some(wait) = waiting {
                    ready!(wait.as_mut().poll(context));
                    *waiting = None;
                }
                if pending.is_empty() {
                    match ready!(next(this.body, context)?).map(Frame::into_data) {
                        None => return Poll::Ready(None),
                        Some(Err(other)) => return Poll::Ready(Some(Ok(other))),
                        Some(Ok(data)) => *pending = data,
                    }
                }
                let most = usize::try_from((*bytes_per_second / TICKS_PER_SECOND).max(1));
                let part = pending.split_to(pending.len().min(most.unwrap_or(usize::MAX)));
                let pause = part.len() as f64 / *bytes_per_second as f64;
                *waiting = Duration::try_from_secs_f64(pause)
                    .ok()
                    .map(|pause| Box::pin(sleep(pause)));
                Poll::Ready(Some(Ok(Frame::data(part))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.fault {
            None => self.body.as_ref().is_none_or(Body::is_end_stream),
            Some(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.body, self.fault.as_ref().map(|fault| &fault.effect)) {
            (None, None) => SizeHint::with_exact(0),
            // The length that was announced is what makes a body that ends early a broken one.
            (Some(body), None | Some(Effect::Reset { .. })) => body.size_hint(),
            (_, Some(_)) => SizeHint::new(),
        }
    }
}

fn next<B>(
    body: Pin<&mut Option<B>>,
    context: &mut Context<'_>,
) -> Result<Poll<Option<Frame<Bytes>>>, BoxError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let Some(body) = body.as_pin_mut() else {
        return Ok(Poll::Ready(None));
    };
    match body.poll_frame(context) {
        Poll::Pending => Ok(Poll::Pending),
        Poll::Ready(None) => Ok(Poll::Ready(None)),
        Poll::Ready(Some(Ok(frame))) => Ok(Poll::Ready(Some(frame))),
        Poll::Ready(Some(Err(error))) => Err(error.into()),
    }
}

/// As much of the frame as may still pass.
fn cut(frame: Frame<Bytes>, left: &mut u64) -> Frame<Bytes> {
    match frame.into_data() {
        Err(other) => other,
        Ok(mut data) => {
            let most = usize::try_from(*left).unwrap_or(usize::MAX);
            data.truncate(most);
            *left -= data.len() as u64;
            Frame::data(data)
        }
    }
}
