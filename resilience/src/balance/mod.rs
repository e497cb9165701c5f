//! Choosing among the replicas of a dependency.

mod endpoints;
mod error;

pub use endpoints::{Endpoints, EndpointsError};
pub use error::NoEndpoint;
