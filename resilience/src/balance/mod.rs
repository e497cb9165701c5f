//! Choosing among the replicas of a dependency.
//!
//! [`Balance`] takes two endpoints by chance and sends the call to the one with less load
//! (the power of two choices, Mitzenmacher 2001). Load is the number of calls in flight times
//! a latency that believes slow answers at once. Three things make it survive dead replicas:
//!
//! - A failure counts as a slow answer, however fast it came, and a call without an answer is
//!   as slow as it is old. So neither an endpoint that refuses nor one that hangs looks idle.
//! - After failures in a row an endpoint is ejected: it gets no calls for a while, then one
//!   probe at a time, and after the first success a share that grows. From five endpoints on
//!   one is ejected, too, that fails more often than the others: see [`SuccessRate`]. At most
//!   half of the endpoints, but always one, can be ejected at once; and when too few are left,
//!   ejections are ignored.
//! - A repeated attempt goes to an endpoint that was not [`Tried`] yet.
//!
//! These are preferences and no gates: while there is an endpoint, a call is sent, if need be
//! to an ejected one. Only an empty set is an error, [`NoEndpoint`].
//!
//! The endpoints are a fixed list, or an [`EndpointSource`]: a stream, or a name that is resolved
//! again and again.
//!
//! **When not to use it**: behind something that balances already and hides the endpoints (a
//! service mesh, a virtual address): there is nothing to choose, and ejecting the one address
//! there is helps nobody.
//!
//! Unlike tower's balancer it is always ready and chooses in `call`, where it knows the
//! request and the attempts that came before.
//!
//! ```
//! use std::time::Duration;
//!
//! use http::{Request, Response};
//! use resilience::BoxError;
//! use resilience::balance::{BalanceConfig, BalanceLayer, EndpointState, Endpoints};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let layer = BalanceLayer::builder("metadata")
//!     .endpoints(Endpoints::parse("http://a:4000,http://b:4000")?)
//!     .config(BalanceConfig::new().consecutive_failures(3))
//!     .build()?;
//! // The replica `a` is gone; whoever speaks to the endpoints sees a whole address.
//! let client = layer.layer(service_fn(async |request: Request<()>| {
//!     tokio::time::sleep(Duration::from_millis(5)).await;
//!     match request.uri().host() {
//!         Some("a") => Err(BoxError::from("connection refused")),
//!         _ => Ok(Response::new(())),
//!     }
//! }));
//! let mut failed = 0;
//! for _ in 0..100 {
//!     let call = client.clone().oneshot(Request::get("/titles").body(())?);
//!     failed += u32::from(call.await.is_err());
//! }
//! assert!(failed < 10, "{failed} of 100 went to the dead one");
//! let endpoints = layer.handle().endpoints();
//! assert!(endpoints.iter().any(|it| it.state == EndpointState::Available));
//! # Ok(())
//! # }
//! ```

mod config;
mod dns;
mod endpoints;
mod error;
mod future;
mod health;
mod layer;
mod load;
mod replicas;
mod service;
mod shared;
mod source;
mod status;
mod success_rate;
mod tried;

#[cfg(test)]
mod tests;

pub use config::BalanceConfig;
pub use dns::{Dns, Resolve};
pub use endpoints::{Endpoints, EndpointsError};
pub use error::NoEndpoint;
pub use future::ResponseFuture;
pub use layer::{BalanceBuilder, BalanceHandle, BalanceLayer};
pub use service::Balance;
pub(crate) use service::absolute;
pub use source::EndpointSource;
pub use status::{EndpointState, EndpointStatus};
pub use success_rate::SuccessRate;
pub use tried::Tried;
