//! What clones of a balancer share, with the clock and the telemetry around it.

use std::sync::Arc;

use http::uri::Authority;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::config::BalanceConfig;
use super::health::micros;
use super::load::Micros;
use super::replicas::{Change, Ending, Pick, Replicas};
use super::source::EndpointSource;
use super::status::EndpointStatus;
use super::tried::Tried;
use crate::telemetry::{Counter, Event, Gauge, Telemetry, names};

#[derive(Debug)]
pub(super) struct Shared {
    name: Arc<str>,
    state: Mutex<State>,
    epoch: Instant,
    telemetry: Telemetry,
    available: Gauge,
    ejected: Gauge,
    ejections: Counter,
    panic: Gauge,
}

#[derive(Debug)]
struct State {
    source: EndpointSource,
    replicas: Replicas,
}

impl Shared {
    pub(super) fn new(
        name: String,
        source: EndpointSource,
        config: BalanceConfig,
        seed: u64,
        telemetry: Telemetry,
    ) -> Self {
        let available = telemetry.gauge(&names::BALANCE_ENDPOINTS, &[&name, "available"]);
        let ejected = telemetry.gauge(&names::BALANCE_ENDPOINTS, &[&name, "ejected"]);
        let panic = telemetry.gauge(&names::BALANCE_PANIC, &[&name]);
        let ejections = telemetry.counter(&names::BALANCE_EJECTIONS, &[&name]);
        let shared = Self {
            name: name.into(),
            state: Mutex::new(State {
                replicas: Replicas::new(&source.endpoints(), config, seed),
                source,
            }),
            epoch: Instant::now(),
            telemetry,
            available,
            ejected,
            ejections,
            panic,
        };
        shared.show(&shared.state.lock().replicas);
        shared
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Chooses an endpoint; the call counts as in flight until the guard is finished or dropped.
    pub(super) fn pick(this: &Arc<Self>, tried: Option<&Tried>) -> Option<(Flight, Authority)> {
        let now = this.now();
        let (pick, authority) = this.with_news(now, |replicas| replicas.pick(now, tried))?;
        let flight = Flight {
            shared: Arc::clone(this),
            pick: Some(pick),
        };
        Some((flight, authority))
    }

    /// How each endpoint stands.
    pub(super) fn status(&self) -> Vec<EndpointStatus> {
        let now = self.now();
        self.with_news(now, |replicas| replicas.status(now))
    }

    /// Works with the endpoints, after what the source has to say.
    fn with_news<T>(&self, now: Micros, work: impl FnOnce(&mut Replicas) -> T) -> T {
        let mut state = self.state.lock();
        let Some(endpoints) = state.source.news() else {
            return work(&mut state.replicas);
        };
        let changes = state.replicas.replace(&endpoints, now);
        self.show(&state.replicas);
        let done = work(&mut state.replicas);
        drop(state);
        for change in changes {
            self.announce(change);
        }
        done
    }

    fn finish(&self, pick: Pick, ending: Ending) {
        let now = self.now();
        let mut state = self.state.lock();
        let replicas = &mut state.replicas;
        let mut changes = replicas.compare(now);
        changes.extend(replicas.finish(pick, ending, now));
        if changes.is_empty() {
            return;
        }
        self.show(replicas);
        drop(state);
        for change in changes {
            self.announce(change);
        }
    }

    fn now(&self) -> Micros {
        micros(Instant::now().saturating_duration_since(self.epoch))
    }

    fn show(&self, replicas: &Replicas) {
        let (available, ejected) = replicas.counts();
        self.available.set(gauge_value(available));
        self.ejected.set(gauge_value(ejected));
        self.panic.set(i64::from(replicas.is_panic()));
    }

    fn announce(&self, change: Change) {
        let client = self.name.to_string();
        self.telemetry.emit(match change {
            Change::Ejected {
                endpoint,
                for_micros,
            } => {
                self.ejections.increment();
                Event::EndpointEjected {
                    client,
                    endpoint: format!("http://{endpoint}"),
                    for_ms: for_micros / 1_000,
                }
            }
            Change::Returned { endpoint } => Event::EndpointReturned {
                client,
                endpoint: format!("http://{endpoint}"),
            },
        });
    }
}

fn gauge_value(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A call in flight. Dropped without an ending, it counts as given up.
#[derive(Debug)]
pub(super) struct Flight {
    shared: Arc<Shared>,
    pick: Option<Pick>,
}

impl Flight {
    pub(super) fn finish(mut self, ending: Ending) {
        self.end(ending);
    }

    /// The call was never sent.
    pub(super) fn forget(self) {
        self.finish(Ending::Neutral);
    }

    fn end(&mut self, ending: Ending) {
        if let Some(pick) = self.pick.take() {
            self.shared.finish(pick, ending);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.end(Ending::GivenUp);
    }
}
