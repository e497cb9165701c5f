//! Ends an attempt that takes too long.
//!
//! The time is that of one attempt and, for a read, never more than what the deadline of the
//! request leaves; a write is not cut short by it, see [`crate::deadline`]. An attempt that takes too long is a failure of the dependency, unlike a
//! rejection: it had its chance.
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
//!     .build();
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

mod error;
mod future;
mod layer;
mod service;
#[cfg(test)]
mod tests;

pub use error::TimeoutElapsed;
pub use future::ResponseFuture;
pub use layer::{TimeoutBuilder, TimeoutLayer};
pub use service::Timeout;
