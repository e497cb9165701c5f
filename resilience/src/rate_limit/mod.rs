//! At most so many requests in so much time, in all or for each caller.
//!
//! The rule is GCRA, the leaky bucket of ATM networks, as the `governor` crate computes it: one
//! request is earned every `period / requests`, and what was earned and not used is kept up to
//! the burst. There is no window at whose edge twice as much gets through.
//!
//! - Without a key all requests share one quota. With a [key](RateLimiterBuilder::key) each key
//!   has one of its own; requests without a key are not limited.
//! - The number of keys is [bounded](RateLimiterBuilder::maximum_keys). A key whose quota is whole
//!   again is forgotten first: that changes nothing for it. When all are in use, further keys
//!   share one quota: a flood of made-up keys neither grows the memory nor gets through, and
//!   known callers go on as before.
//! - Answers carry `RateLimit-Policy` and `RateLimit`
//!   (draft-ietf-httpapi-ratelimit-headers-10), so that callers can slow down before they must.
//! - What is refused is a [`RateLimited`] with the time after which it is worth another try. In
//!   the [server](mod@crate::server) it is a 429 with `Retry-After`, before the queue.
//!
//! Do without it where you want to protect yourself from too much *work*: requests differ in
//! cost, and a number of them that is right today is wrong after the next release. That is what
//! the [bulkhead](crate::bulkhead) is for. A rate limit divides what there is among callers.
//!
//! ```
//! use std::time::Duration;
//! use http::{Request, Response};
//! use resilience::BoxError;
//! use resilience::rate_limit::{RateLimitLayer, RateLimited, RateLimiter};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let limiter = RateLimiter::builder("search").quota(2, Duration::from_secs(1)).build()?;
//! let search = RateLimitLayer::new(limiter)
//!     .layer(service_fn(async |_: Request<()>| Ok::<_, BoxError>(Response::new(()))));
//! for left in ["1", "0"] {
//!     let answer = search.clone().oneshot(Request::new(())).await?;
//!     let limit = answer.headers()["ratelimit"].to_str()?;
//!     assert!(limit.contains(&format!("r={left}")), "{limit}");
//! }
//! let refused = search.clone().oneshot(Request::new(())).await.unwrap_err();
//! let limited = refused.downcast_ref::<RateLimited>().ok_or("refused by something else")?;
//! assert_eq!(limited.retry_after(), Duration::from_millis(500));
//! # Ok(())
//! # }
//! ```

mod builder;
mod clock;
mod error;
mod future;
mod keys;
mod layer;
mod limiter;
mod standing;
#[cfg(test)]
mod tests;

pub use builder::RateLimiterBuilder;
pub use error::RateLimited;
pub use future::ResponseFuture;
pub use layer::{RateLimit, RateLimitLayer};
pub use limiter::{RateLimitStatus, RateLimiter};
pub use standing::Standing;
pub(crate) use standing::whole_seconds;
