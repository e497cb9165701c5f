//! How endpoints stand, for those who look on.

use serde::Serialize;

/// How an endpoint stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EndpointStatus {
    /// `host:port`.
    pub authority: String,
    /// Whether it gets calls.
    pub state: EndpointState,
    /// For how long it has been ejected, in milliseconds; nothing if it is not.
    pub ejected_for_ms: Option<u64>,
    /// The share of its calls that it gets, 0 to 1.
    pub share: f64,
    /// Calls under way.
    pub in_flight: u64,
    /// What it is compared by: calls under way and this one, times the latency, in microseconds.
    pub load: f64,
}

/// Whether an endpoint gets calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EndpointState {
    /// Its full share.
    Available,
    /// A share that grows.
    Returning,
    /// None but a probe.
    Ejected,
}
