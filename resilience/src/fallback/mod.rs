//! Answers in place of a dependency that cannot.
//!
//! A [`Fallback`] is a list of stand-ins, tried in order: the last good answer, a default,
//! or a function of the request and the error. They are asked when a call ends with an
//! error or with an answer that the classifier calls a failure (5xx), and never for
//! anything else: a 404 is an answer.
//!
//! # Giving at once
//!
//! With [`Revalidate`] the last good answer is given before the dependency is asked: while it
//! is fresh, and for a while longer during which one refresh at a time asks in the background.
//! A refresh goes through the same parts as a call, on behalf of nobody: without the deadline of
//! the caller, so that it outlives them, and without their ledger.
//!
//! What is given at once is no degradation: an answer of that age is what was asked for. That
//! changes when a refresh fails. From then on, until one succeeds, the answer stands in for a
//! dependency that is known to fail, and is recorded with the reason of that failure and its age.
//! A refresh whose good answer cannot be kept, such as a 404, removes the older one.
//!
//! **When not to use it**: where a caller must read what was just written, since a write does not
//! remove what is kept; and a stand-in in general where a wrong answer is worse than none.
//!
//! # The ledger
//!
//! This is the place in a stack where it is known which answer the caller gets. So it is
//! here that answers are merged into the [degradation ledger](crate::ledger) of the
//! [`CallContext`](crate::context::CallContext), those of the dependency included, and
//! nowhere else:
//!
//! - an answer of the dependency brings the entries of its `degradation` header;
//! - a stand-in brings an entry that names the dependency, the reason and what stood in,
//!   with its share as the weight and, for a last good answer, its age. What it replaces
//!   brings nothing. A last good answer that was degraded when it was kept brings its own
//!   entries, too;
//! - all of them are multiplied by the weight of the call, and their sum is capped by it.
//!   The weight is that of the layer, unless the request carries a
//!   [`CallWeight`](crate::stack::CallWeight);
//! - an answer that is handed on as a failure brings nothing: what the caller makes of it
//!   is known only there.
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use resilience::BoxError;
//! use resilience::body::ResponseBody;
//! use resilience::context::CallContext;
//! use resilience::fallback::{Fallback, FallbackLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let fallback = Fallback::new()
//!     .last_good(1_000, Duration::from_secs(600))
//!     .default_with("no-rows", 1.0, |_| Response::new(Bytes::from_static(b"[]")));
//! let layer = FallbackLayer::builder("recommendations")
//!     .fallback(fallback)
//!     .weight(0.3)
//!     .build()?;
//!
//! let gone = service_fn(async |_: Request<Bytes>| {
//!     Err::<Response<ResponseBody>, BoxError>("connection refused".into())
//! });
//! let context = CallContext::default();
//! let request = Request::get("/rows/7").body(Bytes::new())?;
//! let response = context.clone().scope(layer.layer(gone).oneshot(request)).await?;
//! assert_eq!(response.body().bytes().map(|body| &body[..]), Some(&b"[]"[..]));
//!
//! let degradations = context.ledger().entries();
//! assert_eq!(degradations[0].stood_in, "no-rows");
//! assert_eq!(degradations[0].weight, 0.3);
//! # Ok(())
//! # }
//! ```

mod config;
mod error;
mod future;
mod key;
mod layer;
mod refresh;
#[cfg(test)]
mod revalidate_tests;
mod service;
mod stand_in;
mod store;
#[cfg(test)]
mod tests;

pub use config::{Fallback, LastGoodConfig, Revalidate};
pub use error::FailureStatus;
pub use future::ResponseFuture;
pub use layer::{FallbackBuilder, FallbackLayer};
pub use service::FallbackService;
pub use stand_in::StandInUsed;
