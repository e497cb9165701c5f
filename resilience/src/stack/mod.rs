//! Whole stacks: every part in the right place, with sound defaults.
//!
//! # The client
//!
//! [`client`] puts these parts together. A call goes through them from the top to the bottom,
//! its answer from the bottom to the top. Each stands where it stands for a reason:
//!
//! | part | why there |
//! |---|---|
//! | metrics of effective success | They count what the caller gets, so nothing may stand outside. |
//! | [fallback](crate::fallback) | It stands in for whatever fails, a deadline that has passed included. What it merges into the [ledger](crate::ledger) is the answer that is used and none of the attempts that were not. |
//! | [deadline](crate::deadline) | It bounds the whole call: all attempts and the waits between them. |
//! | [coalesce](crate::coalesce), where it is switched on | Inside the deadline, so that each caller keeps its own; outside the retry, so that a shared call is repeated once for all. |
//! | [retry](crate::retry) | Outside the breaker, so that each attempt asks anew whether the circuit is open, and counts on its own. |
//! | [hedge](crate::hedge), where it is switched on | Inside the retry, so that a hedge is a part of one attempt; outside the breaker, which sees both calls. |
//! | metrics of actual success | Every attempt counts, before any repair. |
//! | [circuit breaker](crate::circuit_breaker) | Outside the bulkhead, so that a rejection takes no place; it sees what the timeout makes of silence. |
//! | [bulkhead](crate::bulkhead) | Inside the retry, so that a call that waits for its next attempt occupies nothing. |
//! | [attempt timeout](crate::timeout) | Inside the bulkhead: waiting for a place is bounded by the queue itself and is no fault of the dependency. |
//! | header | The time left is written fresh for each attempt. |
//! | [balance](crate::balance) | It picks per attempt, and sees how each endpoint did. |
//! | [body](crate::body) | A death in mid-body fails the attempt: every part above sees it. |
//! | [idle time](crate::timeout::IdleTimeoutLayer) | Next to the wire: a body that stands still breaks off, inside the attempt or after it. |
//! | [fault](crate::fault), where there are some | Next to the wire: an injected failure is judged like a real one, by every part above. |
//! | [transport](crate::transport) | The wire. |
//!
//! One bad endpoint of two must not open the breaker of the whole service. The balancer keeps
//! calls away from it, each attempt that fails there is followed by one that succeeds elsewhere,
//! so that at most half of the attempts fail; and the stack's breaker opens at 60 %.
//!
//! Each part can be removed, and [`enabled(false)`](ClientBuilder::enabled) removes them all. What
//! stays in place of the balancer takes the endpoints in turn; the fallback without stand-ins
//! merges what the dependency reports. What counts as a failure is said
//! [once for all of them](ClientBuilder::classify).
//!
//! The wire is HTTP/1 without TLS. A [transport of your own](ClientBuilder::build_on) can be any
//! service that sends a request with an absolute URI; for `https`
//! [`HttpTransport`](crate::transport::HttpTransport::with_connector) takes a connector that
//! speaks it.
//!
//! **When not to use it**: for a dependency in the same process, or for a protocol that is not
//! HTTP: take the parts that you need.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use resilience::BoxError;
//! use resilience::balance::Endpoints;
//! use resilience::fallback::Fallback;
//! use tower::service_fn;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! // A transport of one's own: one replica is gone, the other one answers.
//! let transport = service_fn(async |request: Request<Bytes>| match request.uri().host() {
//!     Some("a") => Err(BoxError::from("connection refused")),
//!     _ => Ok(Response::new(Full::new(Bytes::from("title 17")))),
//! });
//! let metadata = resilience::client("metadata")
//!     .endpoints(Endpoints::parse("http://a:4000,http://b:4000")?)
//!     .fallback(Fallback::new().default_with("none", 1.0, |_| Response::default()))
//!     .build_on(transport)?;
//! for _ in 0..10 {
//!     let request = Request::get("/titles/17").body(Bytes::new())?;
//!     let answer = metadata.send(request).await?;
//!     assert_eq!(answer.into_body().into_bytes().await?, "title 17");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The server
//!
//! [`server`](crate::server()) explains its own order: metrics and trace, boundary and ledger,
//! catch-panic, rate limit, deadline refusal, queue, deadline cancel, fault, handler.

mod actual;
mod builder;
mod client;
mod effective;
mod in_context;
mod lazy;
mod optional;
mod propagate;
mod round_robin;
mod semantic;
mod spans;
mod to_the_end;

#[cfg(feature = "settings")]
pub(crate) use builder::BREAKER_FAILURE_RATE;
pub use builder::{BuildError, ClientBuilder};
pub use client::{CallWeight, Client, FallbackKey};

/// Begins a client stack for the dependency called `name`: the name that metrics, events
/// and the degradation ledger use for it.
///
/// ```no_run
/// use std::time::Duration;
/// use resilience::balance::Endpoints;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let metadata = resilience::client("metadata")
///     .endpoints(Endpoints::parse("http://127.0.0.1:4000,http://127.0.0.1:4001")?)
///     .deadline(Duration::from_secs(1))
///     .build()?;
/// # let _ = metadata;
/// # Ok(())
/// # }
/// ```
pub fn client(name: impl Into<String>) -> ClientBuilder {
    ClientBuilder::new(name.into())
}
