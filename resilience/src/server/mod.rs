//! The server side of the middleware: one layer around the routes of a service.
//!
//! From the outside in, and why it stands there:
//!
//! 1. **metrics and trace**: whatever is answered, refusals included, is counted.
//! 2. **boundary and ledger**: [`edge`](ServerBuilder::edge) strips what strangers may not say,
//!    [`internal`](ServerBuilder::internal) trusts it; the [context](crate::context) is made
//!    here, and on the way out its ledger becomes the `degradation` header. A failure whose cause
//!    was repeated in vain already says so with `aplomb-no-retry: 1`, so that only the hop next
//!    to a failure repeats. Outside catch-panic, so that the answer to a panic says so, too.
//! 3. **catch-panic** (tower-http's): a handler that panics is a 500 and not a broken connection.
//! 4. **[rate limit](crate::rate_limit)**, where there is one: whoever asks too often is a 429
//!    before anything is spent on it. Health routes pass by here, too.
//! 5. **deadline refusal**: what nobody waits for any more takes no place in the queue.
//! 6. **[queue](crate::load_shed)**: bounded and timed, in front of a fixed or adaptive number
//!    of places; what matters more goes first. What does not fit is a 503 at once, the least
//!    important first, and what is late when its turn comes is a 504 that cost no work. Health
//!    routes pass by.
//! 7. **deadline cancel**: a read is dropped at its deadline; a write runs to its end, even when
//!    the connection breaks, and keeps its place in the queue's count until then. Inside the
//!    queue, so that only what holds a place has to give it back.
//!
//! Rate limit, queue, both deadline parts and catch-panic can be taken out one by one; metrics,
//! boundary and ledger are what the stack itself is, and go with
//! [`enabled(false)`](ServerBuilder::enabled) alone.
//!
//! **When not to use it**: around a router that a mesh's sidecar already limits and whose callers
//! send no deadlines (the ledger's header is then all that is left of it), or around one that
//! streams for hours: a place is held until the head of the answer, and says nothing of the rest.
//!
//! Refusals are short JSON bodies, `{"error":{"code":"overloaded","message":"…"}}`: 429 and
//! 503 with `Retry-After` from rate limit and queue, 504 from the deadline, 500 for a panic. The service around
//! which all this stands must be infallible, as axum's are, and so is the whole.
//!
//! ```
//! use axum::{Router, routing::get};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app: Router = Router::new()
//!     .route("/titles", get(|| async { "all of them" }))
//!     .layer(resilience::server("metadata").internal().build()?);
//! # let _ = app;
//! # Ok(())
//! # }
//! ```

mod answer;
mod boundary;
mod builder;
mod count;
mod guarded;
mod layer;
mod panics;

pub use answer::ServerBody;
pub use builder::ServerBuilder;
pub use layer::{ServerLayer, ServerService};

/// Begins the server side of a service called `name`.
pub fn server(name: impl Into<String>) -> ServerBuilder {
    ServerBuilder::new(name.into())
}

#[cfg(test)]
mod tests;
