//! Request durations under the names of OpenTelemetry's semantic conventions for HTTP
//! (`http.client.request.duration` and `http.server.request.duration`, stable since 1.23), as
//! Prometheus writes them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::Method;
use parking_lot::RwLock;

use super::names::Definition;
use super::{Histogram, MAXIMUM_SERIES, Telemetry};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// With this status; whether the conventions call it an error depends on the side.
    Status { code: u16, is_error: bool },
    /// Without an answer, for a reason of few words.
    Error(&'static str),
}

/// The histograms of one side, resolved once for each set of labels.
pub(crate) struct RequestDurations {
    telemetry: Telemetry,
    definition: &'static Definition,
    /// By endpoint or route.
    known: RwLock<BTreeMap<String, Ends>>,
}

/// By method and end.
type Ends = BTreeMap<(&'static str, End), Histogram>;

impl RequestDurations {
    pub(crate) fn new(telemetry: Telemetry, definition: &'static Definition) -> Self {
        Self {
            telemetry,
            definition,
            known: RwLock::default(),
        }
    }

    /// Takes in one request to `place`: an endpoint for a client, a route for a server.
    pub(crate) fn observe(&self, method: &Method, place: &str, end: End, took: Duration) {
        let method = label_of(method);
        let known = self.known.read();
        if let Some(histogram) = known.get(place).and_then(|ends| ends.get(&(method, end))) {
            histogram.observe(took);
            return;
        }
        drop(known);
        let histogram = self.histogram(method, place, end);
        histogram.observe(took);
        let mut known = self.known.write();
        // Endpoints come and go: what is remembered of them stays bounded, as the series are.
        if known.len() >= MAXIMUM_SERIES && !known.contains_key(place) {
            return;
        }
        let ends = known.entry(place.to_owned()).or_default();
        ends.insert((method, end), histogram);
    }

    /// An empty label is an absent one.
    fn histogram(&self, method: &str, place: &str, end: End) -> Histogram {
        let (status, error) = match end {
            End::Status { code, is_error } => {
                let code = code.to_string();
                let error = if is_error {
                    code.clone()
                } else {
                    String::new()
                };
                (code, error)
            }
            End::Error(reason) => (String::new(), reason.to_owned()),
        };
        let labels = [method, place, &status, &error];
        self.telemetry.histogram(self.definition, &labels)
    }
}

impl fmt::Debug for RequestDurations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RequestDurations")
            .field("of", &self.definition.name)
            .finish_non_exhaustive()
    }
}

/// Methods that nobody knows are one, as the conventions want it: strangers make them up.
fn label_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}
