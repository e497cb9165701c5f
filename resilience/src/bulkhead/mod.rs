//! Keeps one dependency from taking everything: at most so many calls at once.
//!
//! A call that finds all places taken waits in a short queue, first come, first served;
//! one that finds the queue full, or waits too long, is rejected with [`BulkheadFull`].
//! The rejection is neutral to the statistics of the parts around: it says something about
//! this caller and nothing about the dependency.
//!
//! **When not to use it**: around what is quick and never waits, since there is nothing to bound;
//! as a [rate limit](crate::rate_limit), since it bounds what is under way and not what comes; or
//! to protect yourself from your callers, which is [load shedding](crate::load_shed).
//!
//! ```
//! use std::time::Duration;
//!
//! use resilience::BoxError;
//! use resilience::bulkhead::{BulkheadConfig, BulkheadFull, BulkheadLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let layer = BulkheadLayer::builder("metadata")
//!     .config(BulkheadConfig::new().maximum_in_flight(1).queue(0, Duration::ZERO))
//!     .build()?;
//! let client = layer.layer(service_fn(async |seconds: u64| {
//!     tokio::time::sleep(Duration::from_secs(seconds)).await;
//!     Ok::<_, BoxError>(())
//! }));
//!
//! let (first, second) = tokio::join!(client.clone().oneshot(1), client.clone().oneshot(1));
//! assert!(first.is_ok());
//! assert!(second.is_err_and(|error| error.is::<BulkheadFull>()));
//! assert!(client.oneshot(1).await.is_ok());
//! # Ok(())
//! # }
//! ```

mod config;
mod error;
mod future;
mod layer;
mod places;
#[cfg(test)]
mod queue_tests;
mod service;
#[cfg(test)]
mod tests;

pub use config::BulkheadConfig;
pub use error::BulkheadFull;
pub use future::ResponseFuture;
pub use layer::{BulkheadBuilder, BulkheadLayer};
pub use service::Bulkhead;
