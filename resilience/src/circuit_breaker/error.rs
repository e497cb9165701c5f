//! The rejection of an open circuit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use super::state::{Refusal, Why};

/// A call was rejected because the circuit is open, or half-open without a place for it.
///
/// Small, since every call of a breaker makes room for one: what all rejections of one reason say
/// is shared by them.
#[derive(Debug, Clone)]
pub struct CircuitOpen {
    shared: Arc<Rejections>,
    rejected_at: Instant,
}

/// What rejections of one reason have in common.
#[derive(Debug)]
pub(super) struct Rejections {
    pub(super) name: Arc<str>,
    pub(super) refusal: Refusal,
}

impl CircuitOpen {
    pub(super) const fn new(shared: Arc<Rejections>, rejected_at: Instant) -> Self {
        Self {
            shared,
            rejected_at,
        }
    }

    /// The breaker that rejected the call.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// When the breaker left the closed state.
    pub fn since(&self) -> Instant {
        self.shared.refusal.since
    }

    /// How long the breaker had not been closed when it rejected the call.
    pub fn open_for(&self) -> Duration {
        self.rejected_at.saturating_duration_since(self.since())
    }

    /// When the next call will be admitted as a probe: `None` while probes are under way or
    /// calls are let in again, if an operator opened the circuit, or if the backoff never ends.
    pub fn probe_at(&self) -> Option<Instant> {
        match self.shared.refusal.why {
            Why::Waiting { probe_at } => probe_at,
            _ => None,
        }
    }

    /// How long it takes until the next probe, seen from the rejection; `None` where
    /// [`probe_at`](Self::probe_at) is.
    pub fn probe_in(&self) -> Option<Duration> {
        let probe_at = self.probe_at()?;
        Some(probe_at.saturating_duration_since(self.rejected_at))
    }

    /// Whether probes were under way.
    pub fn is_probing(&self) -> bool {
        self.shared.refusal.why == Why::Probing
    }

    /// Whether an operator opened the circuit.
    pub fn is_forced(&self) -> bool {
        self.shared.refusal.why == Why::Forced
    }

    /// The share of the calls that was admitted, above 0 and below 1, where the dependency
    /// was recovering.
    pub fn admitted_share(&self) -> Option<f64> {
        match self.shared.refusal.why {
            Why::Recovering { slope } => Some(slope.share(self.rejected_at)),
            _ => None,
        }
    }

    /// What a server can tell its own caller in `Retry-After`: the time until the next probe in
    /// whole seconds, rounded up, at least 1; `None` where [`probe_at`](Self::probe_at) is.
    pub fn retry_after(&self) -> Option<HeaderValue> {
        let probe_in = self.probe_in()?;
        let rounded_up = probe_in.as_secs() + u64::from(probe_in.subsec_nanos() > 0);
        Some(HeaderValue::from(rounded_up.max(1)))
    }
}

impl fmt::Display for CircuitOpen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, open_for) = (self.name(), self.open_for());
        if self.is_forced() {
            return write!(
                formatter,
                "circuit `{name}` has been open for {open_for:.1?}, by an operator"
            );
        }
        write!(
            formatter,
            "circuit `{name}` has been open for {open_for:.1?}, "
        )?;
        match self.shared.refusal.why {
            Why::Recovering { slope } => {
                let percent = slope.share(self.rejected_at) * 100.0;
                write!(formatter, "{percent:.0} % of the calls pass again")
            }
            Why::Probing => formatter.write_str("probes are under way"),
            Why::Waiting { .. } | Why::Forced => match self.probe_in() {
                Some(probe_in) => write!(formatter, "next probe in {probe_in:.1?}"),
                None => formatter.write_str("no probe is planned"),
            },
        }
    }
}

impl std::error::Error for CircuitOpen {}
