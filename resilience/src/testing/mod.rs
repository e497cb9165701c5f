//! For tests of your own stacks, in virtual time. Behind the feature `testing`: switch it on for
//! development only.
//!
//! - [`Script`] is a dependency that does what it is told, call after call, and remembers what
//!   it was asked. It is a transport for [`build_on`](crate::ClientBuilder::build_on), and a
//!   service for every single layer.
//! - [`Clock`] stops tokio's time and turns it on by hand. Every part of this crate follows it.
//! - [`assert_breaker`], [`assert_full`] and [`assert_degraded`] say what is wrong when something
//!   is, and [`Transitions`] which states a breaker went through.
//!
//! **When not to use it**: to find out whether the middleware works (it has tests of its own), or
//! to find out how a dependency fails: a script fails as you think that it does. Break the real
//! one, on purpose.
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::Request;
//! use resilience::balance::Endpoints;
//! use resilience::circuit_breaker::{CircuitBreakerConfig, State};
//! use resilience::testing::{Clock, Script, Step, assert_breaker};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let clock = Clock::stop();
//! let script = Script::new([Step::status(503), Step::status(503), Step::status(200)]);
//! let metadata = resilience::client("metadata")
//!     .endpoints(Endpoints::parse("http://metadata:4000")?)
//!     .retry(None)
//!     .breaker(
//!         CircuitBreakerConfig::new()
//!             .consecutive_failures(2)
//!             .probes(1)
//!             .backoff(std::iter::repeat(Duration::from_secs(5))),
//!     )
//!     .build_on(script.clone())?;
//! let get = || Request::get("/titles/7").body(Bytes::new());
//! for _ in 0..2 {
//!     assert_eq!(metadata.send(get()?).await?.status(), 503);
//! }
//! assert_breaker(metadata.breaker(), State::Open);
//! assert!(metadata.send(get()?).await.is_err());
//! clock.advance(Duration::from_secs(5)).await;
//! assert_eq!(metadata.send(get()?).await?.status(), 200);
//! assert_breaker(metadata.breaker(), State::Closed);
//! assert_eq!(script.calls().len(), 3);
//! # Ok(())
//! # }
//! ```

mod assertions;
mod body;
mod clock;
mod script;
#[cfg(test)]
mod tests;

pub use assertions::{Transitions, assert_breaker, assert_degraded, assert_full};
pub use body::ScriptedBody;
pub use clock::Clock;
pub use script::{Readiness, RecordedCall, Script, Step};
