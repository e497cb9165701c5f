//! Answers at once what there is no room for, the least important first.
//!
//! So many requests are worked on at a time, fixed or following what is measured, and a short
//! queue takes a burst: both are those of [`concurrency`](crate::concurrency). Whoever finds no
//! place in it is answered 503 with `Retry-After`, and whose deadline passes in it 504. Both cost
//! next to nothing, so that what is worked on stays quick. What matters more by the
//! [priority](crate::context::Priority) of its context goes first, and takes the place of what
//! matters less when the queue is full.
//!
//! Health routes are exempt: a service that is busy is not one that is to be restarted.
//!
//! Where a [bulkhead](crate::bulkhead) protects a dependency from this client and rejects with an
//! error, this protects a service from its callers and rejects with an answer. It stands in every
//! [server](crate::server()) stack already.
//!
//! **When not to use it**: in front of work that cannot be refused, such as messages that were
//! acknowledged already, or where a proxy in front sheds by the same measure: twice is not better,
//! and the one further out costs less. And with a fixed limit that nobody has measured: one that
//! is too high never sheds, one that is too low wastes the machine
//! ([`adaptive`](LoadShedBuilder::adaptive) finds it).
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::header::RETRY_AFTER;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Empty;
//! use resilience::load_shed::LoadShedLayer;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = LoadShedLayer::builder("titles")
//!     .max_in_flight(1)
//!     .queue(0, Duration::ZERO)
//!     .retry_after(Duration::from_secs(2))
//!     .build()?
//!     .layer(service_fn(async |_: Request<()>| {
//!         tokio::time::sleep(Duration::from_secs(1)).await;
//!         Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
//!     }));
//!
//! let get = |path: &str| service.clone().oneshot(Request::get(path).body(()).unwrap());
//! let (first, second, health) = tokio::join!(get("/titles"), get("/titles"), get("/livez"));
//! assert_eq!(first?.status(), StatusCode::OK);
//! let second = second?;
//! assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
//! assert_eq!(second.headers()[RETRY_AFTER], "2");
//! assert_eq!(health?.status(), StatusCode::OK);
//! # Ok(())
//! # }
//! ```

mod builder;
mod future;
mod layer;
mod service;
mod shedder;
#[cfg(test)]
mod tests;

pub(crate) use builder::HEALTH;
pub use builder::LoadShedBuilder;
pub use future::ResponseFuture;
pub use layer::LoadShedLayer;
pub use service::LoadShed;
pub(crate) use shedder::{Shedder, ended};
