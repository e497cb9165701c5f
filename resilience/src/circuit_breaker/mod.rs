//! Rejects calls to a dependency that keeps failing, until probes find it well again.
//!
//! - **closed**: calls pass; failures and slow calls are counted over a sliding [`Window`]
//!   of calls or of time, or by any policy of [`failsafe`]. When a rate reaches its
//!   threshold, the breaker opens.
//! - **open**: calls are rejected at once with [`CircuitOpen`], for as long as a backoff
//!   says: any `Iterator<Item = Duration> + Clone`.
//! - **half-open**: a few calls pass as probes and decide; the rest is rejected. What
//!   exactly happens stands in `half_open.rs`.
//!
//! Only results of the present state count: a call that was admitted before the breaker
//! opened neither closes nor reopens it when it ends late. A cancelled call gives its
//! probe back and says nothing, unless it had outlived the threshold of
//! [`slow_calls`](CircuitBreakerConfig::slow_calls): then it counts as slow. What other
//! parts of the middleware reject says nothing either, see [`crate::rejection`].
//!
//! Every change of state is an [event](crate::telemetry::Event::BreakerTransition) with one
//! of these reasons: `failure-rate`, `slow-rate`, `policy` (of failsafe), `backoff-over`,
//! `probes-succeeded`, `probes-failed`, `probes-overdue`.
//!
//! A call through a closed breaker allocates nothing, takes no lock before it starts and a
//! short one when it ends, and reads the clock once, or twice where slow calls count.
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

mod breaker;
mod builder;
mod config;
mod error;
mod future;
mod half_open;
mod layer;
mod observer;
mod policy;
mod service;
mod state;
#[cfg(test)]
mod tests;
mod window;

pub use breaker::BreakerHandle;
pub use builder::CircuitBreakerBuilder;
pub use config::CircuitBreakerConfig;
pub use error::CircuitOpen;
pub use future::ResponseFuture;
pub use layer::CircuitBreakerLayer;
pub use service::CircuitBreaker;
pub use window::Window;

pub use crate::telemetry::BreakerState as State;
