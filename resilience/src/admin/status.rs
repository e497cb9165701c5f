//! What is going on, as it is told.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::registered::{Registered, Shared};
use crate::circuit_breaker::keyed::KeyedBreakers;
use crate::circuit_breaker::{BreakerHandle, Mode, WindowCounts};
use crate::concurrency::{LimitHandle, LimitStatus};
use crate::fault::{FaultStatus, Faults};
use crate::rate_limit::{RateLimitStatus, RateLimiter};
use crate::retry::{BudgetHandle, BudgetStatus};
use crate::telemetry::BreakerState;

/// Everything at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The breakers.
    pub breakers: Vec<BreakerReport>,
    /// What breakers of keys have in common.
    pub keyed_breakers: Vec<KeyedBreakersReport>,
    /// The bulkheads and servers.
    pub limits: Vec<LimitReport>,
    /// The budgets.
    pub budgets: Vec<BudgetReport>,
    /// The rate limits.
    pub rate_limits: Vec<RateLimitReport>,
    /// The places for faults.
    pub faults: Vec<FaultsReport>,
}

/// One breaker.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BreakerReport {
    /// Its name.
    pub name: String,
    /// Its state, which the word of an operator stands above.
    pub state: BreakerState,
    /// Who decides.
    pub mode: Mode,
    /// For how many milliseconds both have been so.
    pub for_ms: u64,
    /// The share of the calls that is admitted, where it grows after good probes; else `null`.
    pub admitted_share: Option<f64>,
    /// The calls that count; `null` where it does not open by rates.
    pub window: Option<WindowReport>,
}

/// The calls in the window of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WindowReport {
    /// All that count.
    pub calls: u32,
    /// Those that failed.
    pub failures: u32,
    /// Those that were slow, failed or not.
    pub slow: u32,
}

/// The breakers of all keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyedBreakersReport {
    /// What their names begin with.
    pub name: String,
    /// How many there are, the one included that keys without a place share.
    pub breakers: usize,
    /// How many of them are not closed.
    pub not_closed: usize,
    /// How many keys have one of their own at most.
    pub maximum_keys: usize,
}

/// One bulkhead or server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LimitReport {
    /// Its name.
    pub name: String,
    /// `bulkhead` or `server`.
    pub kind: &'static str,
    /// What is going on.
    #[serde(flatten)]
    pub status: LimitStatus,
}

/// One budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BudgetReport {
    /// The client whose budget it is.
    pub name: String,
    /// `retry` or `hedge`.
    pub kind: &'static str,
    /// What it has counted.
    #[serde(flatten)]
    pub status: BudgetStatus,
}

/// One rate limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RateLimitReport {
    /// Its name.
    pub name: String,
    /// What it lets through.
    #[serde(flatten)]
    pub status: RateLimitStatus,
}

/// One place for faults.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FaultsReport {
    /// The name of what is broken.
    pub name: String,
    /// The faults that are active.
    pub active: Vec<FaultStatus>,
}

impl From<&BreakerHandle> for BreakerReport {
    fn from(breaker: &BreakerHandle) -> Self {
        let status = breaker.status();
        Self {
            name: breaker.name().to_owned(),
            state: status.state,
            mode: status.mode,
            for_ms: u64::try_from(status.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            admitted_share: status.admitted_share(),
            window: breaker.window().map(WindowReport::from),
        }
    }
}

impl From<&KeyedBreakers> for KeyedBreakersReport {
    fn from(breakers: &KeyedBreakers) -> Self {
        let handles = breakers.handles();
        let is_closed = |breaker: &&BreakerHandle| breaker.state() == BreakerState::Closed;
        Self {
            name: breakers.name().to_owned(),
            breakers: handles.len(),
            not_closed: handles.len() - handles.iter().filter(is_closed).count(),
            maximum_keys: breakers.maximum_keys(),
        }
    }
}

impl From<WindowCounts> for WindowReport {
    fn from(counts: WindowCounts) -> Self {
        Self {
            calls: counts.calls,
            failures: counts.failures,
            slow: counts.slow,
        }
    }
}

impl Registered {
    fn breaker_reports(&self) -> Vec<BreakerReport> {
        self.breakers().map(|breaker| (&breaker).into()).collect()
    }

    fn keyed_reports(&self) -> Vec<KeyedBreakersReport> {
        self.keyed.iter().map(KeyedBreakersReport::from).collect()
    }

    fn limit_reports(&self) -> Vec<LimitReport> {
        let report = |kind| {
            move |limit: &LimitHandle| LimitReport {
                name: limit.name().to_owned(),
                kind,
                status: limit.status(),
            }
        };
        let bulkheads = self.bulkheads.iter().map(report("bulkhead"));
        bulkheads
            .chain(self.servers.iter().map(report("server")))
            .collect()
    }

    fn budget_reports(&self) -> Vec<BudgetReport> {
        let report = |kind| {
            move |budget: &BudgetHandle| BudgetReport {
                name: budget.name().to_owned(),
                kind,
                status: budget.status(),
            }
        };
        let retries = self.retry_budgets.iter().map(report("retry"));
        retries
            .chain(self.hedge_budgets.iter().map(report("hedge")))
            .collect()
    }

    fn rate_limit_reports(&self) -> Vec<RateLimitReport> {
        let report = |limiter: &RateLimiter| RateLimitReport {
            name: limiter.name().to_owned(),
            status: limiter.status(),
        };
        self.rate_limits.iter().map(report).collect()
    }

    fn fault_reports(&self) -> Vec<FaultsReport> {
        let report = |faults: &Faults| FaultsReport {
            name: faults.name().to_owned(),
            active: faults.list(),
        };
        self.faults.iter().map(report).collect()
    }
}

pub(super) async fn everything(State(shared): State<Shared>) -> Json<Report> {
    let registered = &shared.registered;
    Json(Report {
        breakers: registered.breaker_reports(),
        keyed_breakers: registered.keyed_reports(),
        limits: registered.limit_reports(),
        budgets: registered.budget_reports(),
        rate_limits: registered.rate_limit_reports(),
        faults: registered.fault_reports(),
    })
}

pub(super) async fn breakers(State(shared): State<Shared>) -> Json<Vec<BreakerReport>> {
    Json(shared.registered.breaker_reports())
}

pub(super) async fn keyed_breakers(State(shared): State<Shared>) -> Json<Vec<KeyedBreakersReport>> {
    Json(shared.registered.keyed_reports())
}

pub(super) async fn limits(State(shared): State<Shared>) -> Json<Vec<LimitReport>> {
    Json(shared.registered.limit_reports())
}

pub(super) async fn budgets(State(shared): State<Shared>) -> Json<Vec<BudgetReport>> {
    Json(shared.registered.budget_reports())
}

pub(super) async fn rate_limits(State(shared): State<Shared>) -> Json<Vec<RateLimitReport>> {
    Json(shared.registered.rate_limit_reports())
}

pub(super) async fn faults(State(shared): State<Shared>) -> Json<Vec<FaultsReport>> {
    Json(shared.registered.fault_reports())
}
