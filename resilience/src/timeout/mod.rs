//! Ends an attempt that takes too long.
//!
//! The time is that of one attempt and, for a read, never more than what the deadline of the
//! request leaves; a write is not cut short by it, see [`crate::deadline`]. An attempt that takes
//! too long is a failure of the dependency, unlike a rejection: it had its chance.
//!
//! The time is fixed, or [adaptive](AdaptiveTimeout): a multiple of a quantile of the recent
//! latencies. A limit on the *total* time of a call, all attempts and the waits between them, is
//! the [deadline](crate::deadline)'s; outside of a stack, a `TimeoutLayer` around a retry does the
//! same. A limit on the time between two parts of a body is an [`IdleTimeoutLayer`].
//!
//! **When not to use it**: around calls that answer when something happens (long polls, streams of
//! events: only their idle time says anything), and around work that must not be interrupted and
//! does not go on by itself.
//!
//! ```
//! use std::time::Duration;
//!
//! use http::{Request, Response};
//! use resilience::BoxError;
//! use resilience::timeout::{TimeoutElapsed, TimeoutLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let layer = TimeoutLayer::builder("metadata")
//!     .timeout(Duration::from_millis(300))
//!     .build()?;
//! let client = layer.layer(service_fn(async |_: Request<()>| {
//!     tokio::time::sleep(Duration::from_secs(1)).await;
//!     Ok::<_, BoxError>(Response::new(()))
//! }));
//!
//! let error = client.oneshot(Request::new(())).await.unwrap_err();
//! let elapsed = error.downcast_ref::<TimeoutElapsed>().ok_or("another error")?;
//! assert_eq!(elapsed.after(), Duration::from_millis(300));
//! # Ok(())
//! # }
//! ```

mod adaptive;
mod error;
mod future;
mod idle;
mod layer;
mod service;
#[cfg(test)]
mod tests;

use std::time::Duration;

/// The longest silence in a body: what nginx's `proxy_read_timeout` allows between two reads.
pub(crate) const BODY_IDLE: Duration = Duration::from_mins(1);

pub use adaptive::AdaptiveTimeout;
pub use error::{BodyStalled, TimeoutElapsed};
pub use future::ResponseFuture;
pub use idle::{IdleBody, IdleFuture, IdleTimeout, IdleTimeoutBuilder, IdleTimeoutLayer};
pub use layer::{TimeoutBuilder, TimeoutLayer};
pub use service::Timeout;
