//! Identical reads that are under way at the same time share one call.
//!
//! When a popular key turns cold, a thousand callers ask for the same thing at once; one call
//! is enough. Whoever comes first begins it, and whoever comes before it ends gets the same
//! answer. Nothing is kept after that: this is no cache.
//!
//! - Only GET and HEAD without a body are shared, and only where the [key](CoalesceBuilder::key)
//!   is the same: method, target, and the headers that say who asks and what for.
//! - **The leader's cancellation does not fail the followers.** The shared call belongs to all of
//!   them: whoever still waits drives it on, and it is cancelled when nobody waits any more.
//! - Each caller keeps its own deadline. If the shared call ended since the *leader* had no more
//!   time, even if only to repeat it, a follower that has more begins one of its own.
//! - An answer that sets a cookie or says `cache-control: private` goes to one caller; the others
//!   then call by themselves. So it is with a body that still streams.
//! - A failure is shared as well, as a [`SharedError`] whose source is the error itself. Repeating
//!   it for each follower would multiply the load on a dependency that is failing.
//!
//! Do without it where answers depend on something that is not in the key, and where identical
//! reads at the same time are rare: every call pays for the key.
//!
//! ```
//! use std::time::Duration;
//! use http::{Request, Response};
//! use resilience::BoxError;
//! use resilience::coalesce::CoalesceLayer;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let slow = service_fn(async |_: Request<()>| {
//!     tokio::time::sleep(Duration::from_millis(100)).await;
//!     Ok::<_, BoxError>(Response::new("a title"))
//! });
//! let client = CoalesceLayer::builder("metadata").build().layer(slow);
//! let (first, second) = tokio::try_join!(
//!     client.clone().oneshot(Request::new(())),
//!     client.clone().oneshot(Request::new(())),
//! )?;
//! assert_eq!(first.body(), second.body());
//! # Ok(())
//! # }
//! ```

mod answer;
mod error;
mod flights;
mod future;
mod key;
mod layer;
mod service;
mod shared_call;
#[cfg(test)]
mod tests;

pub use answer::ShareBody;
pub use error::SharedError;
pub use future::ResponseFuture;
pub use layer::{CoalesceBuilder, CoalesceKey, CoalesceLayer, ReadsByTarget};
pub use service::Coalesce;
