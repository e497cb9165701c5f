//! What a person or a program says about a fault.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::delay::Delay;
use super::error::FaultError;
use super::matching::Matching;

/// The longest lease, an hour: whoever wants more renews it.
const LONGEST_LEASE_MS: u64 = 3_600_000;

/// One fault: what it does, to which requests, to how many of them, and for how long.
///
/// As JSON:
///
/// ```
/// let spec: resilience::fault::FaultSpec = serde_json::from_str(r#"{
///     "fault": {"kind": "delay", "delay": {"distribution": "fixed", "ms": 200}},
///     "match": {"path_prefix": "/titles", "caller": "gateway"},
///     "percentage": 25,
///     "lease_ms": 30000
/// }"#)?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
#[non_exhaustive]
pub struct FaultSpec {
    /// What it does.
    pub fault: FaultKind,
    /// Which requests it meets.
    #[serde(rename = "match", default)]
    pub matching: Matching,
    /// How many of these in a hundred, above 0 to 100.
    #[serde(default = "all")]
    pub percentage: f64,
    /// For how long it lives unless it is renewed, in milliseconds, 1 to 3,600,000.
    pub lease_ms: u64,
}

const fn all() -> f64 {
    100.0
}

/// What a fault does to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
#[non_exhaustive]
pub enum FaultKind {
    /// It waits before it is handled.
    Delay {
        /// For how long.
        delay: Delay,
    },
    /// It is answered with this status and not handled.
    Status {
        /// 400 to 599.
        status: u16,
    },
    /// It is not handled; the answer breaks off after its head.
    Abort,
    /// It is handled; the body of the answer breaks off.
    ResetBody {
        /// After so many bytes.
        after_bytes: u64,
    },
    /// It is handled; the body of the answer comes slowly.
    Throttle {
        /// How fast, at least 1.
        bytes_per_second: u64,
    },
}

impl FaultKind {
    /// The label that stands in metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Delay { .. } => "delay",
            Self::Status { .. } => "status",
            Self::Abort => "abort",
            Self::ResetBody { .. } => "reset-body",
            Self::Throttle { .. } => "throttle",
        }
    }

    pub(super) fn check(&self) -> Result<(), FaultError> {
        match self {
            Self::Delay { delay } => delay.check(),
            Self::Status { status } if !(400..=599).contains(status) => Err(FaultError::Value {
                key: "fault.status",
                value: status.to_string(),
                expected: "400 to 599",
            }),
            Self::Throttle {
                bytes_per_second: 0,
            } => Err(FaultError::Value {
                key: "fault.bytes_per_second",
                value: "0".to_owned(),
                expected: "at least 1",
            }),
            _ => Ok(()),
        }
    }
}

impl FaultSpec {
    /// A fault of every request, under a lease of so long.
    pub fn new(fault: FaultKind, lease: Duration) -> Self {
        Self {
            fault,
            matching: Matching::default(),
            percentage: all(),
            lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Only of these requests.
    pub fn matching(mut self, matching: Matching) -> Self {
        self.matching = matching;
        self
    }

    /// Only of so many in a hundred, above 0 to 100.
    pub const fn percentage(mut self, percentage: f64) -> Self {
        self.percentage = percentage;
        self
    }

    /// Whether it can be.
    ///
    /// # Errors
    ///
    /// The first value that cannot, with its path and what would be right.
    pub fn check(&self) -> Result<(), FaultError> {
        self.fault.check()?;
        self.matching.check()?;
        if !(self.percentage > 0.0 && self.percentage <= 100.0) {
            return Err(FaultError::Value {
                key: "percentage",
                value: self.percentage.to_string(),
                expected: "above 0 and at most 100",
            });
        }
        check_lease(self.lease_ms)
    }

    pub(super) const fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }
}

pub(super) fn check_lease(lease_ms: u64) -> Result<(), FaultError> {
    if (1..=LONGEST_LEASE_MS).contains(&lease_ms) {
        return Ok(());
    }
    Err(FaultError::Value {
        key: "lease_ms",
        value: lease_ms.to_string(),
        expected: "1 to 3600000 milliseconds; renew it for more",
    })
}
