//! Tower middleware that keeps users served while dependencies fail.
//!
//! Every part is a [`tower_layer::Layer`] in a folder of its own and can be used alone;
//! `client` and `server` put them together in an order that is explained once.
//!
//! # Features and dependencies
//!
//! Nothing is on by default, and both stacks and every part are there without any feature. What
//! they are made of is tokio, tower, hyper's client, `tower-http`'s classifiers and catch-panic,
//! `prometheus`, `governor` (rate limit, GCRA), `failsafe` (its policies open breakers here),
//! `hdrhistogram` (quantiles) and `sfv` (the ledger's header): 90 crates with all that they need,
//! of which `governor` alone brings 9, `failsafe` 5, and no other more than 4 (`cargo tree -e
//! normal`). What is heavier stands behind a feature:
//!
//! | feature | for | crates more |
//! |---|---|---|
//! | `settings` | stacks from files and the environment (`config`) | 5 |
//! | `admin` | a router for operators (`axum`) and `settings` | 15 |
//! | `axum` | the extractor `Degradations` (`axum-core`) | 2 |
//! | `signed-faults` | faults that requests bring (`hmac`, `sha2`) | 13 |
//! | `testing` | scripted services and a clock to turn, for development | none |

#[cfg(feature = "admin")]
pub mod admin;
mod answer;
pub mod backoff;
pub mod balance;
pub mod body;
pub mod bulkhead;
mod cache_control;
pub mod circuit_breaker;
pub mod classify;
pub mod coalesce;
pub mod concurrency;
pub mod config;
pub mod context;
pub mod deadline;
pub mod fallback;
pub mod fault;
pub mod hedge;
pub mod ledger;
pub mod load_shed;
pub mod quantile;
pub mod rate_limit;
mod readiness;
pub mod rejection;
pub mod retry;
pub mod server;
#[cfg(feature = "settings")]
pub mod settings;
pub mod stack;
mod sync;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod timeout;
pub mod transport;

pub use server::server;
pub use stack::{Client, ClientBuilder, client};

/// The error of a whole stack: every part boxes its own typed error into it,
/// so `error.downcast_ref::<…>()` along the source chain finds the part that spoke.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
