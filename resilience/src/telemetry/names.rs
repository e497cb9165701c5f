//! Every metric family, with its labels and what they may hold.
//!
//! | family | kind | labels |
//! |---|---|---|
//! | `resilience_client_requests_total` | counter | `client`, `outcome`: `full`, `degraded`, `failed` (effective success) |
//! | `resilience_client_request_seconds` | histogram | `client` (everything included, retries too) |
//! | `resilience_client_attempts_total` | counter | `client`, `outcome`: `success`, `failure`, `neutral` (actual success) |
//! | `resilience_breaker_state` | gauge | `breaker`, `state`: `closed`, `open`, `half-open`; exactly one is 1 |
//! | `resilience_breaker_mode` | gauge | `breaker`, `mode`: `automatic`, `forced-open`, `forced-closed`, `disabled`, `metrics-only`; exactly one is 1 |
//! | `resilience_breaker_calls_total` | counter | `breaker`, `outcome`: `success`, `failure`, `slow`, `neutral`, `rejected` |
//! | `resilience_breaker_transitions_total` | counter | `breaker`, `to`: a state |
//! | `resilience_retries_total` | counter | `client`, `result`: `succeeded`, `failed` (of repetitions), `exhausted`, `final`, `no-budget`, `no-time`, `not-repeatable` (why there was no further one) |
//! | `resilience_coalesced_total` | counter | `client`, `role`: `leader` (began a shared call), `follower` (joined one) |
//! | `resilience_hedges_total` | counter | `client`, `result`: `won`, `lost`, `no-budget`, `no-time` |
//! | `resilience_timeouts_total` | counter | `client` |
//! | `resilience_stalled_bodies_total` | counter | `client` (bodies that stood still for too long) |
//! | `resilience_deadlines_total` | counter | `name`, `event`: `refused`, `expired-read`, `expired-write` |
//! | `resilience_bulkhead_in_flight` | gauge | `bulkhead` |
//! | `resilience_bulkhead_limit` | gauge | `bulkhead` (how many may be under way; it moves where it is adaptive) |
//! | `resilience_bulkhead_queued` | gauge | `bulkhead` |
//! | `resilience_bulkhead_rejected_total` | counter | `bulkhead`, `reason`: `full`, `timeout` |
//! | `resilience_rate_limit_requests_total` | counter | `limiter`, `result`: `passed`, `refused` |
//! | `resilience_rate_limit_keys` | gauge | `limiter` (keys that are told apart) |
//! | `resilience_balance_endpoints` | gauge | `client`, `state`: `available`, `ejected` |
//! | `resilience_balance_ejections_total` | counter | `client` |
//! | `resilience_balance_panic` | gauge | `client` (1 while too few endpoints are left to mind ejections) |
//! | `resilience_fallbacks_total` | counter | `client`, `stood_in`, `reason`: a token of [`Reason`](crate::ledger::Reason) |
//! | `resilience_stored_answers_total` | counter | `client`, `age`: `fresh`, `stale` (given before the dependency was asked) |
//! | `resilience_refreshes_total` | counter | `client`, `result`: `replaced`, `superseded` (the answer may not be kept), `failed` |
//! | `resilience_faults_active` | gauge | `name` (faults on purpose that are active) |
//! | `resilience_faults_injected_total` | counter | `name`, `kind`: `delay`, `status`, `abort`, `reset-body`, `throttle` |
//! | `resilience_server_requests_total` | counter | `server`, `route`, `status`: the code |
//! | `resilience_server_request_seconds` | histogram | `server`, `route` |
//! | `resilience_server_in_flight` | gauge | `server` (queued ones included) |
//! | `resilience_server_queued` | gauge | `server` |
//! | `resilience_server_limit` | gauge | `server` (how many may be worked on; it moves where it is adaptive) |
//! | `resilience_server_shed_total` | counter | `server`, `priority`: `critical`, `default`, `sheddable` (turned away by the queue) |
//! | `resilience_server_rejected_total` | counter | `server`, `reason`: `full`, `timeout`, `deadline` |
//! | `resilience_server_degraded_total` | counter | `server`: answers with at least one degradation |
//! | `resilience_server_panics_total` | counter | `server` |
//! | `http_client_request_duration_seconds` | histogram | `http_request_method`, `server_address`: endpoint with port, `http_response_status_code`, `error_type`: status, or a token of [`Reason`](crate::ledger::Reason), or `cancelled` |
//! | `http_server_request_duration_seconds` | histogram | `http_request_method`, `http_route`, `http_response_status_code`, `error_type`: status from 500 on |
//!
//! The last two are those of OpenTelemetry's semantic conventions for HTTP. They are counted where
//! [`ClientBuilder::semantic_metrics`](crate::ClientBuilder::semantic_metrics) or
//! [`ServerBuilder::semantic_metrics`](crate::server::ServerBuilder::semantic_metrics) says so.

/// What a family measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts seconds in the buckets of [`SECONDS_BUCKETS`].
    Histogram,
}

/// One metric family.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Definition {
    /// The name that is exported.
    pub name: &'static str,
    /// What it measures.
    pub kind: Kind,
    /// What stands in its `HELP` line.
    pub help: &'static str,
    /// The names of its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
}

/// Upper bounds of the buckets of every histogram, in seconds: a millisecond to ten seconds in
/// steps of 2 to 2.5, which is what a call between services of one system takes.
pub const SECONDS_BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Upper bounds of the buckets that the semantic conventions for HTTP ask for, in seconds.
pub const SEMANTIC_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

impl Definition {
    /// The upper bounds of the buckets, of a histogram.
    pub(super) fn buckets(&self) -> &'static [f64] {
        if self.name.starts_with("http_") {
            return &SEMANTIC_BUCKETS;
        }
        &SECONDS_BUCKETS
    }
}

macro_rules! families {
    ($($(#[$documentation:meta])* $constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            $(#[$documentation])*
            pub static $constant: Definition = Definition {
                name: $name,
                kind: Kind::$kind,
                help: $help,
                labels: &[$($label),*],
            };
        )*

        /// Every family, in the order of the table above.
        pub static ALL: &[&Definition] = &[$(&$constant),*];
    };
}

families! {
    /// Calls of a client as its user sees them.
    CLIENT_REQUESTS = Counter "resilience_client_requests_total" ["client", "outcome"]
        "Calls after the middleware did its work, by outcome";
    /// How long the user of a client waited.
    CLIENT_REQUEST_SECONDS = Histogram "resilience_client_request_seconds" ["client"]
        "Seconds a caller waited for a call, retries included";
    /// Attempts as the dependency answered them.
    CLIENT_ATTEMPTS = Counter "resilience_client_attempts_total" ["client", "outcome"]
        "Attempts before the middleware did its work, by outcome";
    /// The state of each breaker.
    BREAKER_STATE = Gauge "resilience_breaker_state" ["breaker", "state"]
        "1 for the state the breaker is in, 0 for the others";
    /// Who decides for each breaker.
    BREAKER_MODE = Gauge "resilience_breaker_mode" ["breaker", "mode"]
        "1 for the mode the breaker is in, 0 for the others";
    /// What breakers saw.
    BREAKER_CALLS = Counter "resilience_breaker_calls_total" ["breaker", "outcome"]
        "Calls that reached the breaker, by outcome";
    /// How often breakers moved.
    BREAKER_TRANSITIONS = Counter "resilience_breaker_transitions_total" ["breaker", "to"]
        "Changes of state, by the state entered";
    /// What became of failed attempts.
    RETRIES = Counter "resilience_retries_total" ["client", "result"]
        "Retries made or refused, by result";
    /// Calls that identical reads shared.
    COALESCED = Counter "resilience_coalesced_total" ["client", "role"]
        "Reads that began or joined a shared call, by role";
    /// What became of hedges.
    HEDGES = Counter "resilience_hedges_total" ["client", "result"]
        "Hedges sent or refused, by result";
    /// Attempts that took too long.
    TIMEOUTS = Counter "resilience_timeouts_total" ["client"]
        "Attempts that outlived their timeout";
    /// Bodies that stood still.
    STALLED_BODIES = Counter "resilience_stalled_bodies_total" ["client"]
        "Bodies that stood still for too long";
    /// What deadlines did.
    DEADLINES = Counter "resilience_deadlines_total" ["name", "event"]
        "Requests refused or ended by their deadline";
    /// Calls inside a bulkhead.
    BULKHEAD_IN_FLIGHT = Gauge "resilience_bulkhead_in_flight" ["bulkhead"]
        "Calls under way inside the bulkhead";
    /// How many calls a bulkhead lets in.
    BULKHEAD_LIMIT = Gauge "resilience_bulkhead_limit" ["bulkhead"]
        "Calls that may be under way inside the bulkhead";
    /// Calls in front of a bulkhead.
    BULKHEAD_QUEUED = Gauge "resilience_bulkhead_queued" ["bulkhead"]
        "Calls that wait for a place in the bulkhead";
    /// Calls a bulkhead turned away.
    BULKHEAD_REJECTED = Counter "resilience_bulkhead_rejected_total" ["bulkhead", "reason"]
        "Calls turned away by the bulkhead";
    /// Requests at a rate limit.
    RATE_LIMIT_REQUESTS = Counter "resilience_rate_limit_requests_total" ["limiter", "result"]
        "Requests at a rate limit, by result";
    /// Keys of a rate limit.
    RATE_LIMIT_KEYS = Gauge "resilience_rate_limit_keys" ["limiter"]
        "Keys that the rate limit tells apart at the moment";
    /// Endpoints of a balancer.
    BALANCE_ENDPOINTS = Gauge "resilience_balance_endpoints" ["client", "state"]
        "Endpoints of the client, by state";
    /// How often endpoints were ejected.
    BALANCE_EJECTIONS = Counter "resilience_balance_ejections_total" ["client"]
        "Endpoints ejected for failing too often";
    /// Whether ejections are ignored.
    BALANCE_PANIC = Gauge "resilience_balance_panic" ["client"]
        "1 while too few endpoints are left to mind ejections";
    /// Stand-ins used.
    FALLBACKS = Counter "resilience_fallbacks_total" ["client", "stood_in", "reason"]
        "Answers replaced by a stand-in";
    /// Answers given before the dependency was asked.
    STORED_ANSWERS = Counter "resilience_stored_answers_total" ["client", "age"]
        "Stored answers given before the dependency was asked, by age";
    /// What became of refreshes.
    REFRESHES = Counter "resilience_refreshes_total" ["client", "result"]
        "Background refreshes of stored answers, by result";
    /// Faults on purpose.
    FAULTS_ACTIVE = Gauge "resilience_faults_active" ["name"]
        "Faults on purpose that are active";
    /// What faults on purpose met.
    FAULTS_INJECTED = Counter "resilience_faults_injected_total" ["name", "kind"]
        "Requests that a fault on purpose met, by its kind";
    /// Answers of a server.
    SERVER_REQUESTS = Counter "resilience_server_requests_total" ["server", "route", "status"]
        "Requests answered, by route and status";
    /// How long a server took.
    SERVER_REQUEST_SECONDS = Histogram "resilience_server_request_seconds" ["server", "route"]
        "Seconds until the head of the answer, time in the queue included";
    /// Requests inside a server.
    SERVER_IN_FLIGHT = Gauge "resilience_server_in_flight" ["server"]
        "Requests under way, queued ones included";
    /// Requests in front of a server's handlers.
    SERVER_QUEUED = Gauge "resilience_server_queued" ["server"]
        "Requests that wait for a handler";
    /// How many requests a server works on at once.
    SERVER_LIMIT = Gauge "resilience_server_limit" ["server"]
        "Requests that may be worked on at once";
    /// Requests the queue turned away.
    SERVER_SHED = Counter "resilience_server_shed_total" ["server", "priority"]
        "Requests turned away by the queue, by priority";
    /// Requests a server turned away.
    SERVER_REJECTED = Counter "resilience_server_rejected_total" ["server", "reason"]
        "Requests turned away before or instead of work";
    /// Answers with a replaced part.
    SERVER_DEGRADED = Counter "resilience_server_degraded_total" ["server"]
        "Answers that carried at least one degradation";
    /// Handlers that panicked.
    SERVER_PANICS = Counter "resilience_server_panics_total" ["server"]
        "Handlers that panicked";
    /// Requests on the wire, in the words of OpenTelemetry.
    HTTP_CLIENT_REQUEST_DURATION = Histogram "http_client_request_duration_seconds" ["http_request_method", "server_address", "http_response_status_code", "error_type"]
        "Duration of HTTP client requests";
    /// Requests at a server, in the words of OpenTelemetry.
    HTTP_SERVER_REQUEST_DURATION = Histogram "http_server_request_duration_seconds" ["http_request_method", "http_route", "http_response_status_code", "error_type"]
        "Duration of HTTP server requests";
}
