//! The rejection of an open circuit.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use super::origin::{Nanos, Origin};
use super::state::{Refusal, Why};

/// A call was rejected because the circuit is open, or half-open without a place for it.
///
/// Small, since every call of a breaker makes room for one: times are those of the breaker.
#[derive(Debug, Clone)]
pub struct CircuitOpen {
    origin: Arc<Origin>,
    obstacle: Obstacle,
    since: Nanos,
    rejected_at: Nanos,
}

/// What stood in the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Obstacle {
    /// The backoff is not over.
    Waiting { probe_at: Nanos },
    /// Every probe is under way.
    Probing,
    /// Only a growing share of the calls is admitted yet.
    Recovering { share: f64 },
    /// An operator wants it so.
    Forced,
}

impl CircuitOpen {
    #[inline]
    pub(super) const fn new(
        origin: Arc<Origin>,
        obstacle: Obstacle,
        since: Nanos,
        rejected_at: Nanos,
    ) -> Self {
        Self {
            origin,
            obstacle,
            since,
            rejected_at,
        }
    }

    /// What the state machine said.
    pub(super) fn refused(origin: &Arc<Origin>, refusal: Refusal, rejected_at: Nanos) -> Self {
        let obstacle = match refusal.why {
            Why::Waiting { probe_at } => Obstacle::Waiting {
                probe_at: probe_at.map_or(Nanos::NEVER, |at| origin.nanos(at)),
            },
            Why::Probing => Obstacle::Probing,
            Why::Recovering { share } => Obstacle::Recovering { share },
            Why::Forced => Obstacle::Forced,
        };
        let since = origin.nanos(refusal.since);
        Self::new(Arc::clone(origin), obstacle, since, rejected_at)
    }

    /// The breaker that rejected the call.
    pub fn name(&self) -> &str {
        self.origin.name()
    }

    /// When the breaker left the closed state.
    pub fn since(&self) -> Instant {
        self.origin.since(self.since)
    }

    /// How long the breaker had not been closed when it rejected the call.
    pub fn open_for(&self) -> Duration {
        self.rejected_at.after(self.since)
    }

    /// When the next call will be admitted as a probe: `None` while probes are under way or
    /// calls are let in again, if an operator opened the circuit, or if the backoff never ends.
    pub fn probe_at(&self) -> Option<Instant> {
        match self.obstacle {
            Obstacle::Waiting { probe_at } => self.origin.instant(probe_at),
            _ => None,
        }
    }

    /// How long it takes until the next probe, seen from the rejection; `None` where
    /// [`probe_at`](Self::probe_at) is.
    pub fn probe_in(&self) -> Option<Duration> {
        match self.obstacle {
            Obstacle::Waiting { probe_at } => {
                (probe_at != Nanos::NEVER).then(|| probe_at.after(self.rejected_at))
            }
            _ => None,
        }
    }

    /// Whether probes were under way.
    pub fn is_probing(&self) -> bool {
        self.obstacle == Obstacle::Probing
    }

    /// Whether an operator opened the circuit.
    pub fn is_forced(&self) -> bool {
        self.obstacle == Obstacle::Forced
    }

    /// The share of the calls that was admitted, above 0 and below 1, where the dependency
    /// was recovering.
    pub fn admitted_share(&self) -> Option<f64> {
        match self.obstacle {
            Obstacle::Recovering { share } => Some(share),
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
        match self.obstacle {
            Obstacle::Recovering { share } => {
                let percent = share * 100.0;
                write!(formatter, "{percent:.0} % of the calls pass again")
            }
            Obstacle::Probing => formatter.write_str("probes are under way"),
            Obstacle::Waiting { .. } | Obstacle::Forced => match self.probe_in() {
                Some(probe_in) => write!(formatter, "next probe in {probe_in:.1?}"),
                None => formatter.write_str("no probe is planned"),
            },
        }
    }
}

impl std::error::Error for CircuitOpen {}
