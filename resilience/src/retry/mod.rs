//! Repeating failed attempts, without making an outage worse.
//!
//! - Only what may be repeated is: idempotent methods, and requests with an
//!   `Idempotency-Key`. A *refused* connection may be repeated for any method, once per
//!   endpoint, at once and at no cost, because nothing was sent; what could not be sent for
//!   another reason may be repeated for any method, too, at the usual cost.
//! - Waits grow exponentially with full jitter, or as any iterator of durations says. A
//!   `Retry-After` on a failed answer is honoured, in seconds or as a date, if it fits.
//! - A budget shared by all clones bounds repetitions to a share of the calls.
//! - A repetition that cannot end before the deadline is not begun.
//! - Each repetition goes to an endpoint that was not tried yet: the request carries a
//!   [`Tried`](crate::balance::Tried) for the balancer.
//! - Only the hop next to a failure repeats. A retry that gives up marks the context, so that
//!   the answer of the server around it says `aplomb-no-retry: 1`; an answer that says so, and
//!   an open circuit, are not repeated.
//!
//! A request must be clonable to be sent again: its body is [`bytes::Bytes`], or goes through a
//! [`ReplayLayer`], which decides by its announced size whether to keep it.
//!
//! The body of the answer has to be collected inside the attempt ([`crate::body::Collect`])
//! for a death in mid-body to be repeated.
//!
//! **When not to use it**: where somebody further out repeats already (one hop repeats, or each
//! failure multiplies), for a dependency that is overloaded rather than faulty (a
//! [budget](RetryConfig::budget) of 0 still repeats refused connections), and for writes whose
//! dependency does not recognise an `Idempotency-Key`.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU32, Ordering};
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use resilience::BoxError;
//! use resilience::body::ResponseBody;
//! use resilience::retry::{RetryConfig, RetryLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let layer = RetryLayer::builder("metadata")
//!     .config(
//!         RetryConfig::new()
//!             .maximum_attempts(3)
//!             .backoff(Duration::from_millis(10), Duration::from_millis(200)),
//!     )
//!     .build()?;
//! let attempts = Arc::new(AtomicU32::new(0));
//! let counter = Arc::clone(&attempts);
//! let client = layer.layer(service_fn(move |_: Request<Bytes>| {
//!     let mut answer = Response::new(ResponseBody::empty());
//!     if counter.fetch_add(1, Ordering::Relaxed) < 2 {
//!         *answer.status_mut() = StatusCode::BAD_GATEWAY;
//!     }
//!     std::future::ready(Ok::<_, BoxError>(answer))
//! }));
//! let read = Request::get("/titles").body(Bytes::new())?;
//! assert_eq!(client.clone().oneshot(read).await?.status(), StatusCode::OK);
//! assert_eq!(attempts.load(Ordering::Relaxed), 3);
//!
//! // A write without an `Idempotency-Key` is sent once, whatever comes of it.
//! attempts.store(0, Ordering::Relaxed);
//! let write = Request::post("/ratings").body(Bytes::from("5"))?;
//! assert_eq!(client.oneshot(write).await?.status(), StatusCode::BAD_GATEWAY);
//! assert_eq!(attempts.load(Ordering::Relaxed), 1);
//! # Ok(())
//! # }
//! ```

mod allowance;
mod budget;
mod config;
mod future;
mod handle;
mod layer;
mod policy;
mod repeatable;
mod repetition;
mod replay;
mod retry_after;
mod service;
mod shared;

#[cfg(test)]
mod tests;

pub(crate) use allowance::Withdrawal;
pub(crate) use budget::Budget;
pub use budget::BudgetStatus;
pub use config::RetryConfig;
pub use future::ResponseFuture;
pub use handle::BudgetHandle;
pub(crate) use handle::HasBudget;
pub use layer::{RetryBuilder, RetryLayer};
pub use repeatable::is_repeatable;
pub(crate) use repetition::Repetition;
pub use replay::{ReplayBody, ReplayLayer, ReplayService};
pub use retry_after::read_retry_after;
pub use service::Retry;
