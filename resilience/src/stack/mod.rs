//! Whole stacks: every part in the right place, with sound defaults.

mod builder;
mod client;
mod round_robin;

pub use builder::{BuildError, ClientBuilder};
pub use client::{CallWeight, Client, FallbackKey};

/// Begins a client stack for the dependency called `name`: the name that metrics, events
/// and the degradation ledger use for it.
///
/// ```no_run
/// use std::time::Duration;
/// use resilience::balance::Endpoints;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let metadata = resilience::client("metadata")
///     .endpoints(Endpoints::parse("http://127.0.0.1:4000,http://127.0.0.1:4001")?)
///     .deadline(Duration::from_secs(1))
///     .build()?;
/// # let _ = metadata;
/// # Ok(())
/// # }
/// ```
pub fn client(name: impl Into<String>) -> ClientBuilder {
    ClientBuilder::new(name.into())
}
