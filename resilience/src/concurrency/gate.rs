//! The gate itself: so many inside, the others in line.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::adaptive::{Adaptive, Ended, Sample};
use super::handle::LimitStatus;
use super::limit::AdaptiveLimit;
use super::line::{Line, Refused, Ticket};
use super::queue::Queue;
use crate::context::Priority;
use crate::telemetry::Gauge;

/// Lets so many in at once.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    is_adaptive: bool,
    /// Shows the limit.
    shown: Gauge,
}

#[derive(Debug)]
struct State {
    inside: usize,
    limit: Limit,
    line: Line<Caller>,
}

#[derive(Debug)]
enum Limit {
    Fixed(usize),
    Adaptive(Adaptive),
}

type Caller = oneshot::Sender<Result<Place, Refused>>;

impl Gate {
    pub(crate) fn fixed(limit: usize, queue: Queue, shown: Gauge) -> Arc<Self> {
        Self::new(Limit::Fixed(limit), queue, shown)
    }

    pub(crate) fn adaptive(config: AdaptiveLimit, queue: Queue, shown: Gauge) -> Arc<Self> {
        let adaptive = Adaptive::new(config, Instant::now());
        Self::new(Limit::Adaptive(adaptive), queue, shown)
    }

    fn new(limit: Limit, queue: Queue, shown: Gauge) -> Arc<Self> {
        let is_adaptive = matches!(limit, Limit::Adaptive(_));
        shown.set(i64::try_from(limit.now()).unwrap_or(i64::MAX));
        Arc::new(Self {
            state: Mutex::new(State {
                inside: 0,
                limit,
                line: Line::new(queue),
            }),
            is_adaptive,
            shown,
        })
    }

    /// How many may be inside at the moment.
    pub(crate) fn limit(&self) -> usize {
        self.state.lock().limit.now()
    }

    /// What is going on now.
    pub(super) fn status(&self) -> LimitStatus {
        let state = self.state.lock();
        LimitStatus {
            limit: state.limit.now(),
            is_adaptive: self.is_adaptive,
            inside: state.inside,
            waiting: state.line.len(),
        }
    }

    /// A place, if one is free and nobody waits for it.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Place> {
        let mut state = self.state.lock();
        if state.inside >= state.limit.now() || !state.line.is_empty() {
            return None;
        }
        state.inside += 1;
        Some(self.place(state.inside))
    }

    /// A place in the line.
    pub(crate) fn wait(self: &Arc<Self>, priority: Priority) -> Result<Waiting, Refused> {
        let (caller, called) = oneshot::channel();
        let joined = {
            let mut state = self.state.lock();
            state.line.join(priority, caller, Instant::now())
        };
        let (ticket, displaced) = joined?;
        if let Some(displaced) = displaced {
            // Whoever stopped waiting does not mind.
            let _ = displaced.send(Err(Refused::Full));
        }
        // A place may have come free since the caller looked for one.
        self.call_next();
        Ok(Waiting {
            gate: Arc::clone(self),
            ticket,
            called,
        })
    }

    fn place(self: &Arc<Self>, in_flight: usize) -> Place {
        Place {
            gate: Arc::clone(self),
            in_flight,
            began: self.is_adaptive.then(Instant::now),
            ended: Ended::GivenUp,
        }
    }

    /// Gives every free place to somebody in line.
    fn call_next(self: &Arc<Self>) {
        loop {
            let (called, in_flight) = {
                let mut state = self.state.lock();
                if state.line.is_empty() || state.inside >= state.limit.now() {
                    return;
                }
                let called = state.line.call(Instant::now());
                if called.next.is_some() {
                    state.inside += 1;
                }
                (called, state.inside)
            };
            for caller in called.turned_away {
                let _ = caller.send(Err(Refused::TooLate));
            }
            let Some(caller) = called.next else {
                return;
            };
            // If nobody listens any more, the place comes back and is dropped, which calls the
            // next one.
            drop(caller.send(Ok(self.place(in_flight))));
        }
    }

    fn leave(self: &Arc<Self>, place: &Place) {
        {
            let mut state = self.state.lock();
            state.inside -= 1;
            if let (Limit::Adaptive(adaptive), Some(began)) = (&mut state.limit, place.began) {
                let now = Instant::now();
                let before = adaptive.limit();
                let sample = Sample {
                    latency: now.saturating_duration_since(began),
                    in_flight: place.in_flight,
                    ended: place.ended,
                };
                adaptive.record(sample, now);
                let limit = adaptive.limit();
                if limit != before {
                    self.shown.set(i64::try_from(limit).unwrap_or(i64::MAX));
                }
            }
        }
        self.call_next();
    }
}

impl Limit {
    fn now(&self) -> usize {
        match self {
            Self::Fixed(limit) => *limit,
            Self::Adaptive(adaptive) => adaptive.limit(),
        }
    }
}

/// A place inside; it becomes free when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    in_flight: usize,
    /// When it was taken, where the limit follows how long that was.
    began: Option<Instant>,
    ended: Ended,
}

impl Place {
    /// Whether anybody wants to know what comes of the call.
    pub(crate) const fn asks(&self) -> bool {
        self.began.is_some()
    }

    /// Says what came of the call; a place that hears nothing was given up.
    pub(crate) const fn ended(&mut self, ended: Ended) {
        self.ended = ended;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let gate = Arc::clone(&self.gate);
        gate.leave(self);
    }
}

/// The wait for a place; dropped, it leaves the line.
#[derive(Debug)]
pub(crate) struct Waiting {
    gate: Arc<Gate>,
    ticket: Ticket,
    called: oneshot::Receiver<Result<Place, Refused>>,
}

impl Future for Waiting {
    type Output = Result<Place, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let called = ready!(Pin::new(&mut self.called).poll(context));
        // The gate answers everybody before it forgets them.
        Poll::Ready(called.unwrap_or(Err(Refused::TooLate)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A place that was given and not taken is dropped with the channel, and goes on.
        let left = self.gate.state.lock().line.leave(self.ticket);
        drop(left);
    }
}
