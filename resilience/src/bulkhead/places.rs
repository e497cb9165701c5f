//! The places inside a bulkhead and in front of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::config::BulkheadConfig;
use super::error::BulkheadFull;
use crate::telemetry::{Counter, Event, Gauge, InFlight, Telemetry, names};

/// What all clones of a bulkhead share.
#[derive(Debug)]
pub(super) struct Places {
    name: Arc<str>,
    config: BulkheadConfig,
    /// Fair: a place that becomes free goes to the call that waited longest.
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    telemetry: Telemetry,
    in_flight: Gauge,
    queued: Gauge,
    rejected_full: Counter,
    rejected_timeout: Counter,
}

/// A place inside; it becomes free when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _in_flight: InFlight,
}

/// A place in the queue; it becomes free when this is dropped.
#[derive(Debug)]
pub(super) struct QueuePlace {
    places: Arc<Places>,
    _queued: InFlight,
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        self.places.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The wait for a place.
pub(super) type Acquire =
    Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

impl Places {
    pub(super) fn new(name: Arc<str>, config: BulkheadConfig, telemetry: Telemetry) -> Self {
        let rejected = |reason| telemetry.counter(&names::BULKHEAD_REJECTED, &[&name, reason]);
        Self {
            config,
            free: Arc::new(Semaphore::new(config.maximum_in_flight)),
            waiting: AtomicUsize::new(0),
            in_flight: telemetry.gauge(&names::BULKHEAD_IN_FLIGHT, &[&name]),
            queued: telemetry.gauge(&names::BULKHEAD_QUEUED, &[&name]),
            rejected_full: rejected("full"),
            rejected_timeout: rejected("timeout"),
            telemetry,
            name,
        }
    }

    pub(super) const fn queue_wait(&self) -> Duration {
        self.config.queue_wait
    }

    /// A place inside, if one is free.
    pub(super) fn enter(&self) -> Option<Place> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(self.taken(permit))
    }

    pub(super) fn taken(&self, permit: OwnedSemaphorePermit) -> Place {
        Place {
            _permit: permit,
            _in_flight: self.in_flight.track(),
        }
    }

    /// A place in the queue, if one is free.
    pub(super) fn queue(self: &Arc<Self>) -> Option<(QueuePlace, Acquire)> {
        let may_wait = |waiting: usize| {
            (waiting < self.config.queue_length).then_some(waiting.saturating_add(1))
        };
        self.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, may_wait)
            .ok()?;
        let place = QueuePlace {
            places: Arc::clone(self),
            _queued: self.queued.track(),
        };
        let acquire = Box::pin(Arc::clone(&self.free).acquire_owned());
        Some((place, acquire))
    }

    /// The rejection of a call that found the queue full.
    pub(super) fn queue_full(&self) -> BulkheadFull {
        self.rejected_full.increment();
        self.full(Duration::ZERO)
    }

    /// The rejection of a call that waited in vain.
    pub(super) fn waited_in_vain(&self) -> BulkheadFull {
        self.rejected_timeout.increment();
        self.full(self.config.queue_wait)
    }

    fn full(&self, waited: Duration) -> BulkheadFull {
        self.telemetry.emit(Event::Rejected {
            name: self.name.as_ref().to_owned(),
            by: "bulkhead".to_owned(),
            reason: crate::ledger::Reason::Full.as_str().to_owned(),
        });
        BulkheadFull {
            name: Arc::clone(&self.name),
            maximum_in_flight: self.config.maximum_in_flight,
            waited,
        }
    }
}
