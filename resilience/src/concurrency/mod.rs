//! How many calls may be under way at once, and what those do that find no place.
//!
//! The [bulkhead](crate::bulkhead) of a client and the queue of a [server](mod@crate::server) are
//! both made of this: a limit, fixed or [adaptive](AdaptiveLimit), and one bounded [`Queue`].
//!
//! # The limit
//!
//! A fixed limit is right until the dependency changes. An adaptive one follows what is measured:
//!
//! - [`AdaptiveLimit::gradient`] compares how long calls take with how long they take without a
//!   queue, and shrinks the limit by the ratio of the two. From time to time it lets fewer calls
//!   in for a moment to measure the latter anew (as Envoy's adaptive concurrency filter does).
//!   It finds the point up to which more calls at once mean more work done per second.
//! - [`AdaptiveLimit::aimd`] goes up by one as long as calls are quick enough and down by a tenth
//!   when they are not (as TCP does). It saws around the point where calls take as long as the
//!   bound says, and is the better choice where that bound is known.
//!
//! Neither raises a limit that is not used: an idle hour must not open the gate for a storm. And
//! neither learns from how quickly a call fails: what is down refuses at once, and would be taken
//! for how quick it is without a queue. A call that was given up counts where it had already taken
//! longer than calls take.
//!
//! # The queue
//!
//! First come, first served; or, when the queue has stood for a while, last come, first served:
//! whoever came last still has somebody waiting for the answer (Maurer, "Fail at Scale", 2015).
//! [`Queue::delay`] sheds what has waited too long while no call gets through quickly any more
//! (after CoDel; Nichols & Jacobson, "Controlling Queue Delay", 2012). With
//! [`Queue::by_priority`] what matters more goes first, and takes the place of what matters
//! less when the queue is full.
//!
//! **When not to use it**: an adaptive limit in front of what takes as long however much it has to
//! do (it sleeps, it polls), or with a handful of calls a second: there is nothing to measure. A
//! queue where the caller has something better to do than to wait.
//!
//! ```
//! use std::time::Duration;
//!
//! use resilience::BoxError;
//! use resilience::bulkhead::{BulkheadConfig, BulkheadLayer};
//! use resilience::concurrency::{AdaptiveLimit, Order, QueueDelay};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let layer = BulkheadLayer::builder("metadata")
//!     .config(
//!         BulkheadConfig::new()
//!             .adaptive(AdaptiveLimit::aimd(Duration::from_millis(50)).bounds(2, 100))
//!             .order(Order::AdaptiveLifo { after: Duration::from_millis(100) })
//!             .queue_delay(QueueDelay::new(Duration::from_millis(10), Duration::from_millis(100)))
//!             .by_priority(true),
//!     )
//!     .build()?;
//! let limit = layer.handle();
//! assert_eq!(limit.status().limit, 8, "four times its least value");
//!
//! // Calls take twice as long as they may: the limit goes down.
//! let slow = layer.layer(service_fn(async |(): ()| {
//!     tokio::time::sleep(Duration::from_millis(100)).await;
//!     Ok::<_, BoxError>(())
//! }));
//! for _ in 0..10 {
//!     let calls = (0..8).map(|_| slow.clone().oneshot(()));
//!     futures_util::future::join_all(calls).await;
//! }
//! assert!(limit.status().limit < 8);
//! # Ok(())
//! # }
//! ```

mod adaptive;
mod gate;
mod handle;
mod limit;
mod line;
mod queue;
#[cfg(test)]
mod tests;

pub(crate) use adaptive::Ended;
pub(crate) use gate::{Gate, Place, Waiting};
pub use handle::{LimitHandle, LimitStatus};
pub use limit::AdaptiveLimit;
pub(crate) use line::Refused;
pub use queue::{Order, Queue, QueueDelay};
