//! The builder.

use std::sync::Arc;
use std::time::Duration;

use super::layer::{LoadShedLayer, Shared};
use super::shedder::Shedder;
use crate::concurrency::{AdaptiveLimit, Gate, Order, Queue, QueueDelay};
use crate::config::{Checks, ConfigError};
use crate::telemetry::{Telemetry, names};

const PART: &str = "load shedding";

/// The paths of Kubernetes' probes, and the older name for both.
pub(crate) const HEALTH: [&str; 3] = ["/livez", "/readyz", "/healthz"];

/// Builds a [`LoadShedLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct LoadShedBuilder {
    name: String,
    max_in_flight: usize,
    adaptive: Option<AdaptiveLimit>,
    queue: Queue,
    exempt: Vec<String>,
    retry_after: Option<Duration>,
    telemetry: Telemetry,
}

impl LoadShedBuilder {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            // With 100 ms for each request, 2,560 of them a second (Little's law).
            max_in_flight: 256,
            adaptive: None,
            queue: Queue::new(256, Duration::from_millis(100)).by_priority(true),
            exempt: HEALTH.map(str::to_owned).into(),
            retry_after: Some(Duration::from_secs(1)),
            telemetry: Telemetry::default(),
        }
    }

    /// How many requests are worked on at once (default 256: by Little's law 2,560 a second of
    /// 100 ms each).
    pub const fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// How many requests are worked on at once, following what is measured instead of
    /// [`max_in_flight`](Self::max_in_flight) (default: none).
    pub fn adaptive(mut self, limit: impl Into<Option<AdaptiveLimit>>) -> Self {
        self.adaptive = limit.into();
        self
    }

    /// How many may wait, and for how long (default 256 and 100 ms: longer than a hiccup,
    /// shorter than what a caller gives one attempt).
    pub const fn queue(mut self, length: usize, wait: Duration) -> Self {
        self.queue.length = length;
        self.queue.wait = wait;
        self
    }

    /// In which order those that wait get a place (default: first come, first served, among
    /// those that matter alike).
    pub const fn queue_order(mut self, order: Order) -> Self {
        self.queue = self.queue.order(order);
        self
    }

    /// When waiting has become pointless (default: not before the time limit of the queue).
    pub fn queue_delay(mut self, delay: impl Into<Option<QueueDelay>>) -> Self {
        self.queue = self.queue.delay(delay);
        self
    }

    /// Paths that are never queued or shed (default `/livez`, `/readyz`, `/healthz`).
    pub fn exempt(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.exempt = paths.into_iter().map(Into::into).collect();
        self
    }

    /// What those are told in `Retry-After` that find no place, in whole seconds, rounded up
    /// (default 1 s: the queue is short, so that it is over by then). `None` leaves the header
    /// out.
    pub fn retry_after(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.retry_after = time.into();
        self
    }

    /// Where it counts and tells (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// How many may wait, and for how long, as it stands.
    #[cfg(feature = "settings")]
    pub(crate) const fn present_queue(&self) -> (usize, Duration) {
        (self.queue.length, self.queue.wait)
    }

    /// What cannot be: the first value of each kind.
    pub(crate) fn mistakes(&self) -> Vec<ConfigError> {
        let no_place = || ConfigError::new(PART, "max_in_flight", 0, "at least 1");
        let retry_after = |time| Checks(PART).is_positive("retry_after", time);
        let found = [
            (self.max_in_flight == 0).then(no_place),
            self.queue.check(PART).err(),
            self.adaptive.and_then(|it| it.check(PART).err()),
            self.retry_after.and_then(|time| retry_after(time).err()),
        ];
        found.into_iter().flatten().collect()
    }

    /// The layer. Every service it is put around shares one queue.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build(self) -> Result<LoadShedLayer, ConfigError> {
        if let Some(mistake) = self.mistakes().into_iter().next() {
            return Err(mistake);
        }
        let exempt = self.exempt.clone();
        let shedder = self.shedder();
        Ok(LoadShedLayer::new(Arc::new(Shared { shedder, exempt })))
    }

    /// What decides, unchecked: without any place it refuses everything.
    pub(crate) fn shedder(self) -> Shedder {
        let shown = self.telemetry.gauge(&names::SERVER_LIMIT, &[&self.name]);
        let gate = match self.adaptive {
            Some(adaptive) => Gate::adaptive(adaptive, self.queue, shown),
            None => Gate::fixed(self.max_in_flight, self.queue, shown),
        };
        Shedder::new(
            self.name.into(),
            gate,
            self.queue.wait,
            self.retry_after,
            self.telemetry,
        )
    }
}
