//! The places inside a bulkhead and in front of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::config::BulkheadConfig;
use super::error::BulkheadFull;
use crate::concurrency::{self, Ended, Gate, LimitHandle, Refused};
use crate::context::CallContext;
use crate::telemetry::{Counter, Event, Gauge, InFlight, Telemetry, names};

/// What all clones of a bulkhead share.
#[derive(Debug)]
pub(super) struct Places {
    name: Arc<str>,
    queue_wait: Duration,
    by_priority: bool,
    gate: Arc<Gate>,
    telemetry: Telemetry,
    in_flight: Gauge,
    queued: Gauge,
    rejected_full: Counter,
    rejected_timeout: Counter,
}

/// A place inside; it becomes free when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    place: concurrency::Place,
    _in_flight: InFlight,
}

impl Place {
    /// Whether anybody wants to know what comes of the call.
    pub(super) const fn asks(&self) -> bool {
        self.place.asks()
    }

    /// Says what came of the call.
    pub(super) const fn ended(&mut self, ended: Ended) {
        self.place.ended(ended);
    }
}

/// A place in the queue; it becomes free when this is dropped.
#[derive(Debug)]
pub(super) struct QueuePlace {
    pub(super) waiting: concurrency::Waiting,
    pub(super) since: Instant,
    _queued: InFlight,
}

impl Places {
    pub(super) fn new(name: Arc<str>, config: BulkheadConfig, telemetry: Telemetry) -> Self {
        let rejected = |reason| telemetry.counter(&names::BULKHEAD_REJECTED, &[&name, reason]);
        let shown = telemetry.gauge(&names::BULKHEAD_LIMIT, &[&name]);
        let queue = config.line();
        let gate = match config.adaptive {
            Some(adaptive) => Gate::adaptive(adaptive, queue, shown),
            None => Gate::fixed(config.maximum_in_flight, queue, shown),
        };
        Self {
            queue_wait: config.queue_wait,
            by_priority: config.by_priority,
            gate,
            in_flight: telemetry.gauge(&names::BULKHEAD_IN_FLIGHT, &[&name]),
            queued: telemetry.gauge(&names::BULKHEAD_QUEUED, &[&name]),
            rejected_full: rejected("full"),
            rejected_timeout: rejected("timeout"),
            telemetry,
            name,
        }
    }

    pub(super) fn handle(&self) -> LimitHandle {
        LimitHandle::new(Arc::clone(&self.name), Arc::clone(&self.gate))
    }

    pub(super) const fn queue_wait(&self) -> Duration {
        self.queue_wait
    }

    /// A place inside, if one is free.
    pub(super) fn enter(&self) -> Option<Place> {
        Some(self.taken(self.gate.enter()?))
    }

    pub(super) fn taken(&self, place: concurrency::Place) -> Place {
        Place {
            place,
            _in_flight: self.in_flight.track(),
        }
    }

    /// A place in the queue, if one is free.
    pub(super) fn queue(&self) -> Result<QueuePlace, Refused> {
        let context = self.by_priority.then(CallContext::current).flatten();
        let priority = context.map(|context| context.priority());
        Ok(QueuePlace {
            waiting: self.gate.wait(priority.unwrap_or_default())?,
            since: Instant::now(),
            _queued: self.queued.track(),
        })
    }

    /// The rejection of a call that found the queue full, or had to leave it for another.
    pub(super) fn queue_full(&self, waited: Duration) -> BulkheadFull {
        self.rejected_full.increment();
        self.full(waited)
    }

    /// The rejection of a call that waited in vain.
    pub(super) fn waited_in_vain(&self, waited: Duration) -> BulkheadFull {
        self.rejected_timeout.increment();
        self.full(waited)
    }

    fn full(&self, waited: Duration) -> BulkheadFull {
        self.telemetry.tell(|| Event::Rejected {
            name: self.name.as_ref().to_owned(),
            by: "bulkhead".to_owned(),
            reason: crate::ledger::Reason::Full.as_str().to_owned(),
        });
        BulkheadFull {
            name: Arc::clone(&self.name),
            maximum_in_flight: self.gate.limit(),
            waited,
        }
    }
}
