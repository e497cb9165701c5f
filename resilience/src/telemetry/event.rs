use serde::{Deserialize, Serialize};

/// The state of a circuit breaker, as events and metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls go through and are counted.
    Closed,
    /// Calls are rejected until the backoff is over.
    Open,
    /// A bounded number of probes goes through and decides.
    HalfOpen,
}

impl BreakerState {
    /// Every state, as labels of `resilience_breaker_state`.
    pub const NAMES: [&'static str; 3] = ["closed", "open", "half-open"];

    /// The name that stands in metrics, events and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// What happens seldom and matters. On the wire one JSON object with the kind in `event`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Event {
    /// A circuit breaker changed its state.
    BreakerTransition {
        /// The breaker's name, which is that of the client it belongs to.
        client: String,
        /// The state it left.
        from: BreakerState,
        /// The state it entered.
        to: BreakerState,
        /// What moved it, in a few words.
        reason: String,
    },
    /// A circuit breaker that only watches would have opened.
    BreakerWouldOpen {
        /// The breaker's name, which is that of the client it belongs to.
        client: String,
        /// What would have moved it, in a few words.
        reason: String,
    },
    /// An endpoint failed so often that it gets no calls for a while.
    EndpointEjected {
        /// The client that ejected it.
        client: String,
        /// The endpoint, as scheme and authority.
        endpoint: String,
        /// For how many milliseconds.
        for_ms: u64,
    },
    /// An ejected endpoint takes calls again.
    EndpointReturned {
        /// The client that took it back.
        client: String,
        /// The endpoint, as scheme and authority.
        endpoint: String,
    },
    /// A part of an answer was replaced.
    Degraded {
        /// The dependency whose part was replaced.
        dependency: String,
        /// Why; one of the tokens of [`Reason`](crate::ledger::Reason).
        reason: String,
        /// What stood in.
        stood_in: String,
        /// The share of the whole answer that was replaced, 0 to 1.
        weight: f64,
    },
    /// A client wanted to retry and its budget did not allow it.
    RetryBudgetExhausted {
        /// The client.
        client: String,
    },
    /// A part of the middleware turned a call away.
    Rejected {
        /// The name of the stack.
        name: String,
        /// The part that spoke: `breaker`, `bulkhead`, `queue` (of a server, load shedding),
        /// `rate-limit` or `deadline`.
        by: String,
        /// Why; one of the tokens of [`Reason`](crate::ledger::Reason).
        reason: String,
    },
    /// A call took longer than its timeout and was given up.
    TimedOut {
        /// The client.
        client: String,
        /// After how many milliseconds.
        after_ms: u64,
    },
    /// The body of an answer stood still for too long and was broken off.
    BodyStalled {
        /// The client.
        client: String,
        /// After how many milliseconds.
        after_ms: u64,
    },
    /// A call that failed is sent again.
    Retried {
        /// The client.
        client: String,
        /// After a wait of how many milliseconds.
        after_ms: u64,
    },
    /// A slow call was sent a second time.
    Hedged {
        /// The client.
        client: String,
    },
    /// A read joined an identical one that was under way already.
    Coalesced {
        /// The client.
        client: String,
    },
    /// A deadline passed while work was done.
    DeadlineExpired {
        /// The client or server.
        name: String,
        /// Whether the work goes on, as that of a write does.
        goes_on: bool,
    },
    /// A fault on purpose began.
    FaultBegan {
        /// The service or client that is broken.
        name: String,
        /// Which fault of it.
        id: u64,
        /// What the fault does.
        kind: String,
    },
    /// A fault on purpose ended.
    FaultEnded {
        /// The service or client that was broken.
        name: String,
        /// Which fault of it.
        id: u64,
        /// Why: `lease` or `lifted`.
        reason: String,
    },
    /// A handler panicked and its caller got a 500.
    Panicked {
        /// The server.
        server: String,
    },
}

/// Whether what comes once per call is logged.
pub(super) fn is_logged() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

impl Event {
    /// Whether it comes as often as calls do when something is wrong, so that whoever follows
    /// the news alone leaves it out.
    pub const fn comes_once_per_call(&self) -> bool {
        matches!(
            self,
            Self::Rejected { .. }
                | Self::Degraded { .. }
                | Self::TimedOut { .. }
                | Self::BodyStalled { .. }
                | Self::Retried { .. }
                | Self::Hedged { .. }
                | Self::Coalesced { .. }
                | Self::DeadlineExpired { .. }
        )
    }

    /// Transitions are news; what comes once per call is for whoever looks for it.
    pub(super) fn log(&self) {
        match self {
            Self::BreakerTransition {
                client,
                from,
                to,
                reason,
            } => tracing::info!(
                client,
                from = from.as_str(),
                to = to.as_str(),
                reason,
                "breaker {client} went from {} to {}",
                from.as_str(),
                to.as_str()
            ),
            Self::BreakerWouldOpen { client, reason } => tracing::info!(
                client,
                reason,
                "breaker {client} only watches and would have opened"
            ),
            Self::EndpointEjected {
                client,
                endpoint,
                for_ms,
            } => tracing::info!(
                client,
                endpoint,
                for_ms,
                "endpoint {endpoint} of {client} ejected for {for_ms} ms"
            ),
            Self::EndpointReturned { client, endpoint } => {
                tracing::info!(client, endpoint, "endpoint {endpoint} of {client} returned");
            }
            Self::Degraded {
                dependency,
                reason,
                stood_in,
                weight,
            } => tracing::debug!(
                dependency,
                reason,
                stood_in,
                weight,
                "{stood_in} stood in for {dependency}"
            ),
            Self::RetryBudgetExhausted { client } => {
                tracing::debug!(client, "retry budget of {client} is exhausted");
            }
            Self::Rejected { name, by, reason } => {
                tracing::debug!(name, by, reason, "{by} of {name} rejected a call");
            }
            Self::TimedOut { client, after_ms } => {
                tracing::debug!(client, after_ms, "{client} did not answer in {after_ms} ms");
            }
            Self::BodyStalled { client, after_ms } => tracing::debug!(
                client,
                after_ms,
                "a body of {client} stood still for {after_ms} ms"
            ),
            Self::Retried { client, after_ms } => tracing::debug!(
                client,
                after_ms,
                "a call of {client} failed: another attempt in {after_ms} ms"
            ),
            Self::Hedged { client } => tracing::debug!(client, "{client} is slow: hedged"),
            Self::Coalesced { client } => {
                tracing::debug!(client, "a read of {client} joined another");
            }
            Self::DeadlineExpired { name, goes_on } => {
                tracing::debug!(name, goes_on, "the deadline passed while {name} worked");
            }
            Self::FaultBegan { name, id, kind } => {
                tracing::warn!(
                    name,
                    id,
                    kind,
                    "fault {id} ({kind}) of {name} began, on purpose"
                );
            }
            Self::FaultEnded { name, id, reason } => {
                tracing::warn!(name, id, reason, "fault {id} of {name} ended: {reason}");
            }
            Self::Panicked { server } => {
                tracing::error!(server, "a handler of {server} panicked");
            }
        }
    }
}
