//! Asks a second endpoint when the first is slower than usual, and takes the answer that comes
//! first (Dean & Barroso, "The Tail at Scale", 2013).
//!
//! - Only reads are hedged: requests of a safe method (RFC 9110, 9.2.1) that may be
//!   [repeated](crate::retry::is_repeatable). A write that may be repeated after it has failed need
//!   not bear a second copy at the same time, one of which is cancelled half way.
//! - A hedge starts after a fixed delay, or after a quantile of recent latencies: then it is
//!   rare by itself. A [budget](HedgeConfig::budget) bounds it where everything is slow, since
//!   more load is the last thing that an overloaded dependency needs.
//! - The first **good** answer wins and the others are cancelled. A failure ends the call only
//!   when nothing else is under way; a call that fails before its hedge began is not hedged,
//!   since repeating failures is the work of a [retry](crate::retry).
//! - What is under way goes on whatever the budget says, and no hedge starts that would have no
//!   time before the deadline.
//!
//! The balancer sends each attempt of a call to another endpoint.
//!
//! **When not to use it**: where calls are expensive for the dependency, where one endpoint is all
//! there is, or where the slowness is in something that all endpoints share: a second call then
//! waits in the same queue.
//!
//! ```
//! use std::sync::atomic::{AtomicBool, Ordering};
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use resilience::BoxError;
//! use resilience::hedge::{HedgeConfig, HedgeLayer};
//! use tokio::time::{Instant, sleep};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let layer = HedgeLayer::builder("metadata")
//!     .config(HedgeConfig::after(Duration::from_millis(50)))
//!     .build()?;
//! // The first call meets a replica that hangs, the second one does not.
//! static IS_FIRST: AtomicBool = AtomicBool::new(true);
//! let client = layer.layer(service_fn(async |_: Request<Bytes>| {
//!     if IS_FIRST.swap(false, Ordering::Relaxed) {
//!         sleep(Duration::from_secs(60)).await;
//!     }
//!     sleep(Duration::from_millis(10)).await;
//!     Ok::<_, BoxError>(Response::new(()))
//! }));
//! let begun = Instant::now();
//! client.oneshot(Request::get("/titles").body(Bytes::new())?).await?;
//! assert_eq!(begun.elapsed().as_millis(), 60);
//! # Ok(())
//! # }
//! ```

mod config;
mod future;
mod layer;
mod service;
mod shared;
#[cfg(test)]
mod tests;

pub use config::HedgeConfig;
pub use future::ResponseFuture;
pub use layer::{HedgeBuilder, HedgeLayer};
pub use service::Hedge;
