//! Faults on purpose, inside a service: what a chaos monkey uses to break one that is its own.
//!
//! [`Faults`] holds the faults of one service or client. Each has a [kind](FaultKind), says which
//! requests it [meets](Matching), and lives under a **lease**: it ends by itself unless it is
//! renewed, so that an injector that dies leaves nothing behind. What it has begun ends with it:
//! a delayed request goes on, a throttled body comes at once. Where none is active a request pays
//! for one load.
//!
//! On a [server](crate::server()) faults stand before the handler, behind the queue and inside the
//! deadline: a delay takes a place and is cut off by the deadline, as slow work is. In a
//! [client](crate::client) they stand between the balancer and the wire. There an injected failure
//! is judged like a real one, by every part around it.
//!
//! With the feature `signed-faults` and a key, a request can bring a fault for itself alone, in
//! the header `aplomb-fault`: see the module `signed`.
//!
//! **When not to use it**: to test your own stack in a unit test (use a scripted service), or to
//! break what you do not operate.
//!
//! ```
//! use std::time::Duration;
//!
//! use http::{Request, Response, StatusCode};
//! use resilience::BoxError;
//! use resilience::fault::{FaultKind, FaultLayer, FaultSpec, Faults, Matching};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let faults = Faults::builder("metadata").build();
//! let service = FaultLayer::new(faults.clone())
//!     .layer(service_fn(async |_: Request<()>| {
//!         Ok::<_, BoxError>(Response::new(http_body_util::Full::<bytes::Bytes>::default()))
//!     }));
//!
//! let unavailable = FaultKind::Status { status: 503 };
//! let titles = Matching::default().path_prefix("/titles");
//! let lease = Duration::from_secs(30);
//! faults.inject(FaultSpec::new(unavailable, lease).matching(titles))?;
//!
//! let get = |path: &str| Request::get(path).body(());
//! let broken = service.clone().oneshot(get("/titles/7")?).await?;
//! assert_eq!(broken.status(), StatusCode::SERVICE_UNAVAILABLE);
//! let whole = service.clone().oneshot(get("/rows")?).await?;
//! assert_eq!(whole.status(), StatusCode::OK);
//!
//! tokio::time::advance(lease).await;
//! assert_eq!(service.oneshot(get("/titles/7")?).await?.status(), StatusCode::OK);
//! # Ok(())
//! # }
//! ```

mod body;
mod delay;
mod error;
mod future;
mod injection;
mod lease;
mod matching;
mod registry;
mod service;
#[cfg(feature = "signed-faults")]
pub mod signed;
mod spec;
#[cfg(test)]
mod tests;

pub use body::FaultyBody;
pub use delay::Delay;
pub use error::{FaultError, InjectedAbort};
pub use future::ResponseFuture;
pub use matching::Matching;
pub use registry::{FaultId, FaultStatus, Faults, FaultsBuilder};
pub use service::{FaultLayer, FaultService};
pub use spec::{FaultKind, FaultSpec};
