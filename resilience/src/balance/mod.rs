//! Choosing among the replicas of a dependency.
//!
//! [`Balance`] takes two endpoints by chance and sends the call to the one with less load
//! (the power of two choices, Mitzenmacher 2001). Load is the number of calls in flight times
//! a latency that believes slow answers at once. Three things make it survive dead replicas:
//!
//! - A failure counts as a slow answer, however fast it came, and a call without an answer is
//!   as slow as it is old. So neither an endpoint that refuses nor one that hangs looks idle.
//! - After failures in a row an endpoint is ejected: it gets no calls for a while, then one
//!   probe at a time, and after the first success a share that grows. At most half of the
//!   endpoints, but always one, can be ejected at once.
//! - A repeated attempt goes to an endpoint that was not [`Tried`] yet.
//!
//! These are preferences and no gates: while there is an endpoint, a call is sent, if need be
//! to an ejected one. Only an empty set is an error, [`NoEndpoint`].
//!
//! Unlike tower's balancer it is always ready and chooses in `call`, where it knows the
//! request and the attempts that came before.

mod config;
mod endpoints;
mod error;
mod future;
mod health;
mod layer;
mod load;
mod replicas;
mod service;
mod shared;
mod tried;

#[cfg(test)]
mod tests;

pub use config::BalanceConfig;
pub use endpoints::{Endpoints, EndpointsError};
pub use error::NoEndpoint;
pub use future::ResponseFuture;
pub use layer::{BalanceBuilder, BalanceLayer};
pub use service::Balance;
pub(crate) use service::absolute;
pub use tried::Tried;
