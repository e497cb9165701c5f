//! The metrics of a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Method, StatusCode};
use parking_lot::RwLock;

use super::builder::RouteLabel;
use crate::ledger::Reason;
use crate::telemetry::{Counter, End, Event, Gauge, Histogram, RequestDurations, Telemetry, names};

/// How many routes are told apart: what a label function makes of a stranger's path must not
/// grow without bound.
const MAXIMUM_ROUTES: usize = 256;

/// Counts what a server does. Handles are resolved once per route.
pub(super) struct Counts {
    name: String,
    telemetry: Telemetry,
    label: RouteLabel,
    routes: RwLock<BTreeMap<String, Arc<Route>>>,
    pub(super) in_flight: Gauge,
    degraded: Counter,
    panics: Counter,
    late: Counter,
    semantic: Option<RequestDurations>,
}

/// The handles of one route.
pub(super) struct Route {
    seconds: Histogram,
    statuses: RwLock<BTreeMap<u16, Counter>>,
    label: String,
}

impl Counts {
    pub(super) fn new(name: &str, telemetry: Telemetry, label: RouteLabel) -> Self {
        Self {
            late: telemetry.counter(&names::SERVER_REJECTED, &[name, "deadline"]),
            in_flight: telemetry.gauge(&names::SERVER_IN_FLIGHT, &[name]),
            degraded: telemetry.counter(&names::SERVER_DEGRADED, &[name]),
            panics: telemetry.counter(&names::SERVER_PANICS, &[name]),
            name: name.to_owned(),
            semantic: None,
            telemetry,
            label,
            routes: RwLock::new(BTreeMap::new()),
        }
    }

    /// Counts durations under the name of OpenTelemetry's conventions, too.
    pub(super) fn with_semantic_metrics(mut self, semantic: bool) -> Self {
        let definition = &names::HTTP_SERVER_REQUEST_DURATION;
        let durations = || RequestDurations::new(self.telemetry.clone(), definition);
        self.semantic = semantic.then(durations);
        self
    }

    /// The handles for the route of a request.
    pub(super) fn route(&self, parts: &Parts) -> Arc<Route> {
        let mut label = (self.label)(parts);
        if let Some(route) = self.routes.read().get(&label) {
            return Arc::clone(route);
        }
        let mut routes = self.routes.write();
        if routes.len() >= MAXIMUM_ROUTES {
            "other".clone_into(&mut label);
        }
        let route = routes.entry(label.clone()).or_insert_with(|| {
            let labels = [self.name.as_str(), label.as_str()];
            Arc::new(Route {
                seconds: self
                    .telemetry
                    .histogram(&names::SERVER_REQUEST_SECONDS, &labels),
                statuses: RwLock::new(BTreeMap::new()),
                label,
            })
        });
        Arc::clone(route)
    }

    /// Counts an answer.
    pub(super) fn answered(
        &self,
        method: &Method,
        route: &Route,
        status: StatusCode,
        took: Duration,
        degraded: bool,
    ) {
        route.seconds.observe(took);
        if let Some(durations) = &self.semantic {
            let end = End::Status {
                code: status.as_u16(),
                is_error: status.is_server_error(),
            };
            durations.observe(method, &route.label, end, took);
        }
        if degraded {
            self.degraded.increment();
        }
        let code = status.as_u16();
        if let Some(counter) = route.statuses.read().get(&code) {
            counter.increment();
            return;
        }
        let labels = [self.name.as_str(), route.label.as_str(), status.as_str()];
        let counter = self.telemetry.counter(&names::SERVER_REQUESTS, &labels);
        counter.increment();
        route.statuses.write().insert(code, counter);
    }

    /// Counts and tells that the deadline passed, before or during work.
    pub(super) fn late(&self) {
        self.late.increment();
        self.telemetry.tell(|| Event::Rejected {
            name: self.name.clone(),
            by: "deadline".to_owned(),
            reason: Reason::Deadline.as_str().to_owned(),
        });
    }

    /// Counts and tells a panic.
    pub(super) fn panicked(&self) {
        self.panics.increment();
        self.telemetry.emit(Event::Panicked {
            server: self.name.clone(),
        });
    }
}
