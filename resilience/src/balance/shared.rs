//! What clones of a balancer share, with the clock and the telemetry around it.

use std::sync::Arc;

use http::uri::Authority;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::config::BalanceConfig;
use super::endpoints::Endpoints;
use super::health::micros;
use super::load::Micros;
use super::replicas::{Change, Ending, Pick, Replicas};
use super::tried::Tried;
use crate::telemetry::{Counter, Event, Gauge, Telemetry, names};

#[derive(Debug)]
pub(super) struct Shared {
    name: Arc<str>,
    replicas: Mutex<Replicas>,
    epoch: Instant,
    telemetry: Telemetry,
    available: Gauge,
    ejected: Gauge,
    ejections: Counter,
}

impl Shared {
    pub(super) fn new(
        name: String,
        endpoints: &Endpoints,
        config: BalanceConfig,
        seed: u64,
        telemetry: Telemetry,
    ) -> Self {
        let available = telemetry.gauge(&names::BALANCE_ENDPOINTS, &[&name, "available"]);
        let ejected = telemetry.gauge(&names::BALANCE_ENDPOINTS, &[&name, "ejected"]);
        let ejections = telemetry.counter(&names::BALANCE_EJECTIONS, &[&name]);
        let shared = Self {
            name: name.into(),
            replicas: Mutex::new(Replicas::new(endpoints, config, seed)),
            epoch: Instant::now(),
            telemetry,
            available,
            ejected,
            ejections,
        };
        shared.show(shared.replicas.lock().counts());
        shared
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Chooses an endpoint; the call counts as in flight until the guard is finished or dropped.
    pub(super) fn pick(this: &Arc<Self>, tried: Option<&Tried>) -> Option<(Flight, Authority)> {
        let (pick, authority) = this.replicas.lock().pick(this.now(), tried)?;
        let flight = Flight {
            shared: Arc::clone(this),
            pick: Some(pick),
        };
        Some((flight, authority))
    }

    fn finish(&self, pick: Pick, ending: Ending) {
        let now = self.now();
        let mut replicas = self.replicas.lock();
        let Some(change) = replicas.finish(pick, ending, now) else {
            return;
        };
        let counts = replicas.counts();
        drop(replicas);
        self.show(counts);
        self.announce(change);
    }

    fn now(&self) -> Micros {
        micros(Instant::now().saturating_duration_since(self.epoch))
    }

    fn show(&self, (available, ejected): (usize, usize)) {
        self.available.set(gauge_value(available));
        self.ejected.set(gauge_value(ejected));
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
