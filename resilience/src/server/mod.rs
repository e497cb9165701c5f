//! The server side of the middleware: one layer around the routes of a service.
//!
//! From the outside in, and why it stands there:
//!
//! 1. **metrics and trace**: whatever is answered, refusals included, is counted.
//! 2. **boundary and ledger**: [`edge`](ServerBuilder::edge) strips what strangers may not say,
//!    [`internal`](ServerBuilder::internal) trusts it; the context is made here, and on the way
//!    out its ledger becomes the `degradation` header.
//! 3. **catch-panic**: a handler that panics is a 500 and not a broken connection.
//! 4. **deadline refusal**: what nobody waits for any more takes no place in the queue.
//! 5. **queue**: bounded and timed; what does not fit is a 503 at once. Health routes pass by.
//! 6. **deadline cancel**: a read is dropped at its deadline, a write runs to its end, even when
//!    the connection breaks.
//!
//! ```
//! use axum::{Router, routing::get};
//!
//! let app: Router = Router::new()
//!     .route("/titles", get(|| async { "all of them" }))
//!     .layer(resilience::server("metadata").internal().layer());
//! ```

mod answer;
mod boundary;
mod builder;
mod count;
mod layer;
mod queue;
mod work;

pub use answer::ServerBody;
pub use builder::ServerBuilder;
pub use layer::{ServerLayer, ServerService};

/// Begins the server side of a service called `name`.
pub fn server(name: impl Into<String>) -> ServerBuilder {
    ServerBuilder::new(name.into())
}

#[cfg(test)]
mod tests;
