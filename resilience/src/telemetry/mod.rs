//! Metrics and events of every part, in one place.
//!
//! One [`Telemetry`] per process: it registers every metric family of [`names`] once and hands
//! out handles when a stack is built, so that a call only touches atomics. What happens seldom
//! and matters (a breaker opens, an endpoint is ejected, an answer is degraded) is an [`Event`]
//! on a broadcast channel as well as a line in the `tracing` log.
//!
//! Labels are bounded: a family that has reached [`MAXIMUM_SERIES`] label sets counts every new
//! one under `other`, so that no input from outside can grow the registry. A new gauge is not
//! exported then. What comes and goes, such as the breakers of [keys](crate::circuit_breaker::keyed),
//! gives its labels back.
//!
//! **When not to use it**: for labels that differ with every call, such as users or ids, which a
//! `tracing` span can hold and a metric cannot; and as the only record of what must not be lost,
//! since a subscriber that lags behind loses the oldest events.
//!
//! ```
//! use resilience::telemetry::{Telemetry, names};
//!
//! # fn main() -> Result<(), prometheus::Error> {
//! let registry = prometheus::Registry::new();
//! let telemetry = Telemetry::new(&registry)?;
//! let full = telemetry.counter(&names::CLIENT_REQUESTS, &["metadata", "full"]);
//! full.increment();
//! assert_eq!(full.value(), 1);
//! # Ok(())
//! # }
//! ```

mod event;
mod handle;
pub mod names;
mod semantic;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use tokio::sync::broadcast;

use self::names::{Definition, Kind};

pub use self::event::{BreakerState, Event};
pub(crate) use self::semantic::{End, RequestDurations};

pub use self::handle::{Counter, Gauge, Histogram, InFlight, StateGauge};

/// How many label sets one family keeps apart before further ones count as `other`.
pub const MAXIMUM_SERIES: usize = 512;

/// How many events a slow subscriber may lag behind before it loses the oldest.
const EVENT_CAPACITY: usize = 1024;

/// Where every part of every stack of a process reports to. Clones share everything.
#[derive(Clone)]
pub struct Telemetry {
    inner: Arc<Inner>,
}

struct Inner {
    families: BTreeMap<&'static str, Family>,
    series: Mutex<BTreeMap<&'static str, BTreeSet<Vec<String>>>>,
    events: broadcast::Sender<Event>,
    /// Whether there was ever a subscriber: asking the channel takes its lock.
    is_heard: AtomicBool,
}

enum Family {
    Counter(IntCounterVec),
    Gauge(IntGaugeVec),
    Histogram(HistogramVec),
}

impl Family {
    fn remove(&self, labels: &[String]) {
        let removed = match self {
            Self::Counter(family) => family.remove_label_values(labels),
            Self::Gauge(family) => family.remove_label_values(labels),
            Self::Histogram(family) => family.remove_label_values(labels),
        };
        // One that was never exported is gone already.
        drop(removed);
    }
}

impl Telemetry {
    /// Registers every family of [`names`] with `registry`.
    ///
    /// # Errors
    ///
    /// When a family of the same name is already registered: make one `Telemetry` per
    /// registry and clone it.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let mut families = BTreeMap::new();
        for definition in names::ALL {
            families.insert(definition.name, register(definition, registry)?);
        }
        Ok(Self::with_families(families))
    }

    fn with_families(families: BTreeMap<&'static str, Family>) -> Self {
        let (events, _) = broadcast::channel(EVENT_CAPACITY);
        Self {
            inner: Arc::new(Inner {
                families,
                series: Mutex::new(BTreeMap::new()),
                events,
                is_heard: AtomicBool::new(false),
            }),
        }
    }

    /// Sends and logs an event that comes as often as calls do; without anybody to hear it, it is
    /// not even made.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        let is_heard = self.inner.is_heard.load(Ordering::Relaxed);
        if is_heard || event::is_logged() {
            self.emit(event());
        }
    }

    /// Every event from now on. A subscriber that lags more than 1,024 events behind loses the
    /// oldest and is told so by its receiver.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.inner.is_heard.store(true, Ordering::Relaxed);
        self.inner.events.subscribe()
    }

    /// Logs an event and sends it to all subscribers.
    pub fn emit(&self, event: Event) {
        event.log();
        // Nobody listening is the normal case and not an error.
        let _ = self.inner.events.send(event);
    }

    /// The counter of one label set, in the order of the definition's labels.
    ///
    /// Resolve it when a stack is built and keep it. A handle whose definition is not a counter
    /// or whose number of labels is wrong counts nothing.
    pub fn counter(&self, definition: &Definition, labels: &[&str]) -> Counter {
        match self.inner.families.get(definition.name) {
            Some(Family::Counter(family)) => Counter::new(
                family
                    .get_metric_with_label_values(&self.bounded(definition, labels))
                    .ok(),
            ),
            _ => Counter::new(None),
        }
    }

    /// The gauge of one label set; see [`counter`](Self::counter). Beyond the bound a gauge
    /// counts but is not exported: several that share one would show the state of none.
    pub fn gauge(&self, definition: &Definition, labels: &[&str]) -> Gauge {
        let Some(Family::Gauge(family)) = self.inner.families.get(definition.name) else {
            return Gauge::new(None);
        };
        let gauge = match self.within_bound(definition, labels) {
            Some(labels) => family.get_metric_with_label_values(&labels),
            None => IntGauge::new(definition.name, definition.help),
        };
        Gauge::new(gauge.ok())
    }

    /// The histogram of one label set; see [`counter`](Self::counter).
    pub fn histogram(&self, definition: &Definition, labels: &[&str]) -> Histogram {
        match self.inner.families.get(definition.name) {
            Some(Family::Histogram(family)) => Histogram::new(
                family
                    .get_metric_with_label_values(&self.bounded(definition, labels))
                    .ok(),
            ),
            _ => Histogram::new(None),
        }
    }

    /// One gauge per state of a machine called `name`, of which exactly one is 1.
    ///
    /// The definition's labels are the machine's name and the state.
    pub fn states(
        &self,
        definition: &Definition,
        name: &str,
        states: &[&'static str],
    ) -> StateGauge {
        StateGauge::new(
            states
                .iter()
                .map(|state| (*state, self.gauge(definition, &[name, state])))
                .collect(),
        )
    }

    /// Gives the series of a family back whose first label is this, so that what comes and goes
    /// does not use the bound up. Handles that are still in use count on, unseen.
    pub(crate) fn forget(&self, definition: &Definition, first: &str) {
        let mut series = self.inner.series.lock();
        let Some(known) = series.get_mut(definition.name) else {
            return;
        };
        let Some(family) = self.inner.families.get(definition.name) else {
            return;
        };
        known.retain(|labels| {
            let stays = labels.first().is_none_or(|label| label != first);
            if !stays {
                family.remove(labels);
            }
            stays
        });
    }

    /// The label set itself while the family has room for it, `other` throughout afterwards.
    fn bounded(&self, definition: &Definition, labels: &[&str]) -> Vec<String> {
        let within = self.within_bound(definition, labels);
        within.unwrap_or_else(|| vec!["other".to_owned(); labels.len()])
    }

    /// The label set, if the family knows it or has room for it.
    fn within_bound(&self, definition: &Definition, labels: &[&str]) -> Option<Vec<String>> {
        let wanted: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let mut series = self.inner.series.lock();
        let known = series.entry(definition.name).or_default();
        if known.contains(&wanted) {
            return Some(wanted);
        }
        if known.len() >= MAXIMUM_SERIES {
            return None;
        }
        known.insert(wanted.clone());
        Some(wanted)
    }
}

impl Default for Telemetry {
    /// Telemetry with a private registry: events can be subscribed to and handles can be read,
    /// but nothing is exported.
    fn default() -> Self {
        Self::new(&Registry::new()).unwrap_or_else(|error| {
            tracing::error!(%error, "metrics could not be registered and are not counted");
            Self::with_families(BTreeMap::new())
        })
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

fn register(definition: &Definition, registry: &Registry) -> Result<Family, prometheus::Error> {
    match definition.kind {
        Kind::Counter => {
            let family = IntCounterVec::new(
                Opts::new(definition.name, definition.help),
                definition.labels,
            )?;
            registry.register(Box::new(family.clone()))?;
            Ok(Family::Counter(family))
        }
        Kind::Gauge => {
            let family = IntGaugeVec::new(
                Opts::new(definition.name, definition.help),
                definition.labels,
            )?;
            registry.register(Box::new(family.clone()))?;
            Ok(Family::Gauge(family))
        }
        Kind::Histogram => {
            let options = HistogramOpts::new(definition.name, definition.help)
                .buckets(definition.buckets().to_vec());
            let family = HistogramVec::new(options, definition.labels)?;
            registry.register(Box::new(family.clone()))?;
            Ok(Family::Histogram(family))
        }
    }
}

#[cfg(test)]
mod tests;
