//! Settings of client and server stacks, from files and the environment.
//!
//! One serde type, [`Settings`], says what can be set; [`Settings::read`] fills it from the
//! sources of the [`config`] crate. What is left out keeps the default of its builder. A value
//! that cannot be is reported with its path, and so is an unknown key: all of them at once, and
//! before anything starts. `docs/reference/resilience-settings.md` lists every key.
//!
//! ```
//! use resilience::settings::Settings;
//! use resilience::settings::config::{Config, File, FileFormat};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = r#"{"clients": {"metadata": {
//!     "deadline": "1s",
//!     "attempt_timeout": "250ms",
//!     "retry": {"maximum_attempts": 2},
//!     "bulkhead": {"enabled": false}
//! }}}"#;
//! let sources = Config::builder()
//!     .add_source(File::from_str(file, FileFormat::Json))
//!     .add_source(resilience::settings::environment("MESH"));
//! let settings = Settings::read(sources.build()?)?;
//! let builder = settings.client("metadata");
//! # let _ = builder;
//! # Ok(())
//! # }
//! ```
//!
//! With [`environment`], `MESH_CLIENTS__METADATA__RETRY__MAXIMUM_ATTEMPTS=2` says the same as
//! the file above: the prefix, then the path with two underscores between its keys.
//!
//! Do without when a service has one client and nobody will turn its knobs: the builders say
//! the same in fewer words.

mod balance;
mod breaker;
mod bulkhead;
mod client;
mod count;
mod endpoints;
mod error;
mod fallback;
mod fault;
mod latency;
mod limit;
mod read;
#[cfg(test)]
mod reference;
mod retry;
mod server;
mod span;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use config;

pub use balance::{BalanceSettings, EjectionSettings, SuccessRateSettings};
pub use breaker::{BreakerSettings, KeyedBreakerSettings, SlowCallSettings};
pub use bulkhead::{BulkheadSettings, QueueDelaySettings};
pub use client::ClientSettings;
pub use count::Count;
pub use endpoints::{Addresses, DnsSettings};
pub use error::{Mistake, SettingsError};
pub use fallback::{FallbackSettings, LastGoodSettings, RevalidateSettings};
pub use fault::FaultSettings;
pub use latency::{AdaptiveLimitSettings, AdaptiveTimeoutSettings, HedgeSettings};
pub use limit::Limit;
pub use retry::{BackoffKind, BackoffSettings, BudgetSettings, RetrySettings};
pub use server::{BoundarySettings, QueueSettings, RateLimitSettings, ServerSettings};
pub use span::Span;
pub use status::Status;

use crate::circuit_breaker::keyed::{KeyedCircuitBreakerBuilder, KeyedCircuitBreakerLayer};
use crate::fault::FaultsBuilder;
use crate::server::ServerBuilder;
use crate::stack::ClientBuilder;

/// The settings of all stacks of a process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Clients, by the name of the dependency.
    pub clients: BTreeMap<String, ClientSettings>,
    /// Servers, by name.
    pub servers: BTreeMap<String, ServerSettings>,
    /// Breakers of which each key has one, by name.
    pub keyed_breakers: BTreeMap<String, KeyedBreakerSettings>,
    /// Faults on purpose, by the name of the service or client that can be broken.
    pub faults: BTreeMap<String, FaultSettings>,
}

impl Settings {
    /// Reads and checks settings.
    ///
    /// # Errors
    ///
    /// Every mistake, each with its path: values of the wrong kind, unknown keys, values that
    /// a part cannot work with. What is wrong is judged as if it had been left out, so that it
    /// hides no other mistake.
    pub fn read(sources: config::Config) -> Result<Self, SettingsError> {
        read::read(sources.cache).map_err(SettingsError::new)
    }

    /// What stacks cannot work with: the first value of each part.
    fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for (name, client) in &self.clients {
            mistakes.extend(client.contradictions(name));
            // What a builder refuses to build will not work later either.
            let refused = self.client(name).mistakes();
            mistakes.extend(refused.iter().map(|it| Mistake::in_client(name, it)));
        }
        for (name, server) in &self.servers {
            mistakes.extend(server.contradiction(name));
            let refused = self.server(name).mistakes();
            mistakes.extend(refused.iter().map(|it| Mistake::in_server(name, it)));
        }
        for (name, breaker) in &self.keyed_breakers {
            let contradiction = breaker.contradiction();
            mistakes.extend(contradiction.map(|it| it.at(&format!("keyed_breakers.{name}."))));
            let key = |(): &()| String::new();
            let built = self.keyed_breaker(KeyedCircuitBreakerLayer::builder(name, key));
            let refused = built.build().err();
            mistakes.extend(refused.map(|it| Mistake::in_keyed_breaker(name, &it)));
        }
        mistakes
    }

    /// Begins a client stack as the settings of this name say, or with the defaults.
    pub fn client(&self, name: &str) -> ClientBuilder {
        let builder = crate::client(name);
        match self.clients.get(name) {
            Some(settings) => settings.apply(builder),
            None => builder,
        }
    }

    /// Begins a server stack as the settings of this name say, or with the defaults.
    pub fn server(&self, name: &str) -> ServerBuilder {
        let builder = crate::server(name);
        match self.servers.get(name) {
            Some(settings) => settings.apply(name, builder),
            None => builder,
        }
    }

    /// Gives keyed breakers the rules that the settings of their name say; without any they
    /// stay as they are.
    pub fn keyed_breaker<K, C, T, E>(
        &self,
        builder: KeyedCircuitBreakerBuilder<K, C, T, E>,
    ) -> KeyedCircuitBreakerBuilder<K, C, T, E> {
        match self.keyed_breakers.get(builder.name()) {
            Some(settings) => settings.apply(builder),
            None => builder,
        }
    }

    /// Begins the faults of the service or client of this name; `None` where the settings do not
    /// speak of it, or say that it is not to be broken.
    ///
    /// # Errors
    ///
    /// A file with a key that cannot be read or holds none.
    pub fn faults(&self, name: &str) -> Result<Option<FaultsBuilder>, Mistake> {
        match self.faults.get(name) {
            Some(settings) => settings.builder(name),
            None => Ok(None),
        }
    }
}

/// Variables of the environment that begin with `prefix` and an underscore; two underscores
/// stand between the keys of a path.
pub fn environment(prefix: &str) -> config::Environment {
    config::Environment::with_prefix(prefix)
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
}
