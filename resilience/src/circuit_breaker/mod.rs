//! Rejects calls to a dependency that keeps failing, until probes find it well again.
//!
//! - **closed**: calls pass and are counted. What opens the breaker is a [`Rule`]: the share of
//!   failures or of slow calls over a sliding [`Window`] of calls or of time, failures in a row,
//!   any policy of [`failsafe`], or one or else another.
//! - **open**: calls are rejected at once with [`CircuitOpen`], for as long as a backoff
//!   says: any `Iterator<Item = Duration> + Clone`.
//! - **half-open**: a few calls pass as probes and decide; the rest is rejected. What
//!   exactly happens stands in `half_open.rs`. With a
//!   [ramp](CircuitBreakerConfig::ramp) good probes are followed by a growing share of the
//!   calls, see `ramp.rs`.
//!
//! Only results of the present state count: a call that was admitted before the breaker
//! opened neither closes nor reopens it when it ends late. A cancelled call gives its
//! probe back and says nothing, unless it had outlived the threshold of
//! [`slow_calls`](CircuitBreakerConfig::slow_calls): then it counts as slow. What other
//! parts of the middleware reject says nothing either, see [`crate::rejection`]. With
//! [`track_bodies`](CircuitBreakerBuilder::track_bodies) a call lasts until the end of the body.
//!
//! A [`BreakerHandle`] shows the state, lets it be watched, forces the breaker open or closed,
//! switches it off or lets it only watch, and [reconfigures](BreakerHandle::reconfigure) it while
//! it keeps its state. One layer is one breaker; [`keyed`] gives each endpoint, route or host
//! its own.
//!
//! Around what is no Tower service, a handle [runs a future](BreakerHandle::call) or
//! [asks for the right to a call](BreakerHandle::admit). Errors are boxed, as in the rest of a
//! stack, unless the builder asks for [typed ones](CircuitBreakerBuilder::typed_errors).
//!
//! Every change of state is an [event](crate::telemetry::Event::BreakerTransition) with one
//! of these reasons: `failure-rate`, `slow-rate`, `consecutive-failures`, `policy` (of failsafe),
//! `backoff-over`, `probes-succeeded`, `probes-failed`, `probes-overdue`, `ramp-over`,
//! `ramp-failed`; and, where an operator spoke: `forced-open`, `forced-closed`, `disabled`,
//! `metrics-only`, `automatic`, `reset`.
//!
//! A call through a closed breaker allocates nothing. With a window of calls or failures in a
//! row it takes no lock; with a window of time a short one when it ends. It reads the clock when
//! it ends only for a window of time, and twice only where slow calls count. A rejection allocates
//! nothing and takes no lock either, except on a ramp: it reads the clock once.
//!
//! **When not to use it**: around something that cannot be out of order as a whole (a pure
//! function, a queue in the same process), around many dependencies at once (one bad host of
//! twenty would close the way to all of them: use [`keyed`] breakers or the
//! [balancer](crate::balance)'s ejection), or where a failure must always reach the dependency,
//! as with a write that has no other home.
//!
//! ```
//! use std::time::Duration;
//!
//! use http::{Request, Response, StatusCode};
//! use resilience::BoxError;
//! use resilience::circuit_breaker::{CircuitBreakerConfig, CircuitBreakerLayer, CircuitOpen};
//! use resilience::circuit_breaker::{State, Window};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = CircuitBreakerConfig::new()
//!     .window(Window::count(10))
//!     .minimum_calls(4)
//!     .failure_rate(0.5)
//!     .backoff(std::iter::repeat(Duration::from_secs(2)));
//! let layer = CircuitBreakerLayer::builder("metadata").config(config).build()?;
//!
//! let broken = service_fn(async |_: Request<()>| {
//!     let mut response = Response::new(());
//!     *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
//!     Ok::<_, BoxError>(response)
//! });
//! let client = layer.layer(broken);
//! for _ in 0..4 {
//!     let _ = client.clone().oneshot(Request::new(())).await;
//! }
//! assert_eq!(layer.handle().state(), State::Open);
//!
//! let rejection = client.clone().oneshot(Request::new(())).await.unwrap_err();
//! let open = rejection.downcast_ref::<CircuitOpen>().ok_or("rejected by something else")?;
//! assert_eq!(open.probe_in(), Some(Duration::from_secs(2)));
//!
//! tokio::time::advance(Duration::from_secs(2)).await;
//! let _ = client.oneshot(Request::new(())).await;
//! assert_eq!(layer.handle().state(), State::HalfOpen);
//! # Ok(())
//! # }
//! ```

mod backoff;
mod breaker;
mod builder;
mod call;
mod clock;
mod config;
mod consecutive;
mod error;
mod errors;
mod future;
mod gate;
mod half_open;
mod handle;
pub mod keyed;
mod layer;
mod mode;
mod observer;
mod origin;
mod ramp;
mod reason;
mod rule;
mod rules;
mod service;
mod state;
#[cfg(test)]
mod tests;
mod thresholds;
mod tracking;
mod window;

pub use builder::CircuitBreakerBuilder;
pub use call::{Call, ErrorsAreFailures};
pub use config::CircuitBreakerConfig;
#[cfg(feature = "settings")]
pub(crate) use config::DEFAULT_SPAN;
pub use error::CircuitOpen;
pub use errors::{Boxed, BreakerError, Errors, Typed};
pub use future::ResponseFuture;
pub use handle::{AdmittedCall, BreakerHandle, BreakerStatus, WindowCounts};
pub use layer::CircuitBreakerLayer;
pub use mode::Mode;
pub use rule::Rule;
pub use service::CircuitBreaker;
pub(crate) use tracking::AtEndOfStream;
pub use tracking::{AtEnd, AtHead, TrackedBody, Tracking};
pub use window::Window;

pub use crate::telemetry::BreakerState as State;
