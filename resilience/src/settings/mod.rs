//! Settings of client and server stacks, from files and the environment.
//!
//! One serde type, [`Settings`], says what can be set; [`Settings::read`] fills it from the
//! sources of the [`config`] crate. What is left out keeps the default of its builder. A value
//! that cannot be is reported with its path, and so is an unknown key: before anything starts.
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

mod client;
mod error;
mod latency;
mod limit;
mod server;
mod span;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use config;

pub use client::{
    BackoffSettings, BalanceSettings, BreakerSettings, BudgetSettings, BulkheadSettings,
    ClientSettings, EjectionSettings, RetrySettings, SlowCallSettings, SuccessRateSettings,
};
pub use error::{Mistake, SettingsError};
pub use latency::{AdaptiveLimitSettings, AdaptiveTimeoutSettings, HedgeSettings};
pub use limit::Limit;
pub use server::{QueueSettings, RateLimitSettings, ServerSettings};
pub use span::Span;

use crate::server::ServerBuilder;
use crate::stack::ClientBuilder;

/// The settings of all stacks of a process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Clients, by the name of the dependency.
    pub clients: BTreeMap<String, ClientSettings>,
    /// Servers, by name.
    pub servers: BTreeMap<String, ServerSettings>,
}

impl Settings {
    /// Reads and checks settings.
    ///
    /// # Errors
    ///
    /// A value of the wrong kind or an unknown key: the first one, with its path. Values that
    /// a part cannot work with: the first one of each part of each stack.
    pub fn read(sources: config::Config) -> Result<Self, SettingsError> {
        let settings: Self = serde_path_to_error::deserialize(sources)
            .map_err(|error| SettingsError::unreadable(&error))?;
        let mut mistakes = Vec::new();
        for (name, client) in &settings.clients {
            mistakes.extend(client.contradiction(name));
            // What a builder refuses to build will not work later either.
            let refused = settings.client(name).mistakes();
            mistakes.extend(refused.iter().map(|it| Mistake::in_client(name, it)));
        }
        for name in settings.servers.keys() {
            let refused = settings.server(name).mistakes();
            mistakes.extend(refused.iter().map(|it| Mistake::in_server(name, it)));
        }
        if mistakes.is_empty() {
            return Ok(settings);
        }
        Err(SettingsError::new(mistakes))
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
}

/// Variables of the environment that begin with `prefix` and an underscore; two underscores
/// stand between the keys of a path.
pub fn environment(prefix: &str) -> config::Environment {
    config::Environment::with_prefix(prefix)
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
}
