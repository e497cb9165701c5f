//! The deadline of a whole request, sent on as what is left of it.
//!
//! A deadline belongs to the request and not to one attempt: a client stack takes what its caller
//! has left, minus a reserve for the caller's own work, and everything inside must fit. When it
//! passes, a read is dropped, since nobody waits for it; a write runs to its end, since half a
//! write is worse than a late one.
//!
//! **When not to use it**: for work that must be done whoever waits for it, such as a job from a
//! queue: give each step a [timeout](crate::timeout) instead.
//!
//! ```
//! use std::time::Duration;
//!
//! use http::Request;
//! use resilience::BoxError;
//! use resilience::deadline::{Deadline, DeadlineLayer, DeadlinePassed};
//! use tokio::time::Instant;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let layer = DeadlineLayer::builder("metadata")
//!     .limit(Duration::from_millis(800))
//!     .build()?;
//! let slow = layer.layer(service_fn(async |request: Request<()>| {
//!     // Whatever stands inside can see how much time there is.
//!     let end = Deadline::of(request.extensions());
//!     tokio::time::sleep(Duration::from_secs(5)).await;
//!     Ok::<_, BoxError>(end)
//! }));
//! let begun = Instant::now();
//! let error = slow.oneshot(Request::new(())).await.unwrap_err();
//! assert!(error.is::<DeadlinePassed>());
//! assert_eq!(begun.elapsed().as_millis(), 800);
//! # Ok(())
//! # }
//! ```

mod error;
mod future;
mod layer;
mod service;

use http::{Extensions, Method};
use tokio::time::Instant;

use crate::context::{CallContext, Carried};

pub use error::DeadlinePassed;
pub use future::ResponseFuture;
pub use layer::{DeadlineBuilder, DeadlineLayer};
pub use service::DeadlineService;

/// When the answer to a request is no longer of use: what a caller can put into the request's
/// extensions, and what a part inside can read with [`of`](Self::of).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// The deadline that was put into a request, by a caller or by a [`DeadlineLayer`].
    pub fn of(extensions: &Extensions) -> Option<Instant> {
        let carried = Carried::of(extensions);
        carried
            .and_then(|carried| carried.deadline)
            .or_else(|| extensions.get().map(|Self(deadline)| *deadline))
    }

    /// That, or else the deadline of the context.
    pub(crate) fn or_of_context(extensions: &Extensions) -> Option<Instant> {
        Self::of(extensions).or_else(|| CallContext::deadline_of(extensions))
    }
}

/// Whether a request only reads, so that nothing is lost when it is dropped half way
/// (RFC 9110, 9.2.1: safe methods).
pub(crate) fn only_reads(method: &Method) -> bool {
    method.is_safe()
}

#[cfg(test)]
mod tests;
