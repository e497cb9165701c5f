//! A router for operators: looks at the parts of a running service, and steers them.
//!
//! Closed to everybody without its bearer token; an [`Admin`] without a token is closed to
//! everybody. The token is compared in constant time and never logged. Only what was registered
//! can be seen and steered.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /` | everything below at once |
//! | `GET /breakers` | state, mode and window of every breaker |
//! | `GET /breakers/{name}` | those of one |
//! | `PUT /breakers/{name}/mode` | `{"mode": "forced-open"}`, or any other [`Mode`](crate::circuit_breaker::Mode); `automatic` gives the decision back |
//! | `POST /breakers/{name}/reset` | closes it and forgets what it has counted |
//! | `PUT /breakers/{name}/config` | puts other rules in force: [`BreakerSettings`](crate::settings::BreakerSettings), which replace all of those before; the breaker keeps its state |
//! | `GET /keyed-breakers` | breakers of which each key has one: how many there are, and how many are not closed |
//! | `PUT /keyed-breakers/{name}/config` | puts other rules in force for all breakers of this name, and for those of keys that come later; each keeps its state |
//! | `GET /limits` | bulkheads and servers: limit, inside, waiting |
//! | `GET /budgets` | budgets of retries and hedges |
//! | `GET /rate-limits` | rate limits |
//! | `GET /faults` | what is broken on purpose, by name |
//! | `POST /faults/{name}` | begins a fault: a [`FaultSpec`](crate::fault::FaultSpec); the answer says its `id` |
//! | `PUT /faults/{name}/{id}` | `{"lease_ms": 30000}` renews its lease |
//! | `DELETE /faults/{name}/{id}` | lifts it |
//! | `DELETE /faults/{name}` | lifts all of this name |
//! | `GET /events` | server-sent events: transitions, ejections, faults; with `?calls=true` those that come once per call, too. Whoever cannot keep up gets an event `lagged` that says how many were missed |
//!
//! Nested at `/admin`, what stands at `/` is at `/admin`, without a slash at its end. In a path a
//! slash in a name is `%2F`, as in `metadata%2Fr1`, the breaker of one key. Bodies
//! are JSON of at most [`BODY_LIMIT`] bytes. A mistake in one is answered with its path and what
//! would be right.
//!
//! Serve it on a port of its own that strangers do not reach, or behind TLS: a token that
//! travels in the open is none.
//!
//! Do without it where nobody will operate the service by hand: a
//! [`BreakerHandle`](crate::circuit_breaker::BreakerHandle) does the same in the process.
//!
//! ```
//! use resilience::admin::Admin;
//! use resilience::balance::Endpoints;
//! use resilience::telemetry::Telemetry;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let token_from_a_secret = "a-token-of-at-least-sixteen-bytes".to_owned();
//! let telemetry = Telemetry::default();
//! let metadata = resilience::client("metadata")
//!     .endpoints(Endpoints::parse("http://127.0.0.1:4000")?)
//!     .telemetry(telemetry.clone())
//!     .build()?;
//! let router = Admin::new(token_from_a_secret)
//!     .client(&metadata)
//!     .telemetry(&telemetry)
//!     .router()?;
//! let service: axum::Router = axum::Router::new().nest("/admin", router);
//! # let _ = service;
//! # Ok(())
//! # }
//! ```

mod answers;
mod breakers;
mod builder;
mod events;
mod faults;
mod registered;
mod status;
#[cfg(test)]
mod tests;
mod token;

pub use builder::{Admin, BODY_LIMIT, MAXIMUM_STREAMS};
pub use status::{
    BreakerReport, BudgetReport, FaultsReport, KeyedBreakersReport, LimitReport, RateLimitReport,
    Report, WindowReport,
};
