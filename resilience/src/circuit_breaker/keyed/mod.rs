//! A breaker for each key: per endpoint, per route, per host.
//!
//! All of them follow the same rules, which can be [put in place](KeyedBreakers::reconfigure) of
//! others at run time. Their number is bounded: a key that finds no place takes that of a breaker
//! which is closed, automatic and has not been used for longest. Such places are looked for once a
//! second at most; until then, and where there is none, the key shares one breaker with all the
//! others that found no place, as does a key of more than 256 bytes. So keys that come from outside
//! can neither grow memory and metrics nor push out a breaker that protects somebody.
//!
//! The breaker of the key `k` is called `name/k`; the shared one `name/*`.
//!
//! **When not to use it**: for keys of which each sees only a few calls (users, objects). Their
//! breakers never know enough to open, and one breaker for all of them does.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use resilience::BoxError;
//! use resilience::circuit_breaker::keyed::KeyedCircuitBreakerLayer;
//! use resilience::circuit_breaker::{CircuitBreakerConfig, State};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let host = |request: &Request<()>| request.uri().host().unwrap_or_default().to_owned();
//! let layer = KeyedCircuitBreakerLayer::builder("cdn", host)
//!     .config(CircuitBreakerConfig::new().consecutive_failures(2))
//!     .build()?;
//! let client = layer.layer(service_fn(async |request: Request<()>| {
//!     let mut response = Response::new(());
//!     if request.uri().host() == Some("edge-1") {
//!         *response.status_mut() = StatusCode::BAD_GATEWAY;
//!     }
//!     Ok::<_, BoxError>(response)
//! }));
//! for host in ["edge-1", "edge-2", "edge-1", "edge-2"] {
//!     let request = Request::get(format!("http://{host}/")).body(())?;
//!     let _ = client.clone().oneshot(request).await;
//! }
//! let states: Vec<_> = layer.handles().iter().map(|handle| handle.state()).collect();
//! assert_eq!(states, [State::Open, State::Closed]);
//! # Ok(())
//! # }
//! ```

mod builder;
mod handle;
mod layer;
mod registry;
mod service;
#[cfg(test)]
mod tests;

pub use builder::KeyedCircuitBreakerBuilder;
pub use handle::KeyedBreakers;
pub use layer::KeyedCircuitBreakerLayer;
pub use service::KeyedCircuitBreaker;
