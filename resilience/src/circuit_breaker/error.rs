//! The rejection of an open circuit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::state::Refusal;
use crate::telemetry::BreakerState as State;

/// A call was rejected because the circuit is open, or half-open with all probes under way.
#[derive(Debug, Clone)]
pub struct CircuitOpen {
    name: Arc<str>,
    refusal: Refusal,
    rejected_at: Instant,
}

impl CircuitOpen {
    pub(super) const fn new(name: Arc<str>, refusal: Refusal, rejected_at: Instant) -> Self {
        Self {
            name,
            refusal,
            rejected_at,
        }
    }

    /// The breaker that rejected the call.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the breaker left the closed state.
    pub const fn since(&self) -> Instant {
        self.refusal.since
    }

    /// How long the breaker had not been closed when it rejected the call.
    pub fn open_for(&self) -> Duration {
        self.rejected_at
            .saturating_duration_since(self.refusal.since)
    }

    /// When the next call will be admitted as a probe: `None` while probes are under way,
    /// or if the backoff never ends.
    pub const fn probe_at(&self) -> Option<Instant> {
        self.refusal.probe_at
    }

    /// How long it takes until the next probe, seen from the rejection; `None` where
    /// [`probe_at`](Self::probe_at) is.
    pub fn probe_in(&self) -> Option<Duration> {
        let probe_at = self.refusal.probe_at?;
        Some(probe_at.saturating_duration_since(self.rejected_at))
    }

    /// Whether probes were under way.
    pub fn is_probing(&self) -> bool {
        self.refusal.state == State::HalfOpen
    }
}

impl fmt::Display for CircuitOpen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, open_for) = (&self.name, self.open_for());
        write!(
            formatter,
            "circuit `{name}` has been open for {open_for:.1?}, "
        )?;
        match self.probe_in() {
            Some(probe_in) => write!(formatter, "next probe in {probe_in:.1?}"),
            None if self.is_probing() => formatter.write_str("probes are under way"),
            None => formatter.write_str("no probe is planned"),
        }
    }
}

impl std::error::Error for CircuitOpen {}
