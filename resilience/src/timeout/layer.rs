//! The layer and its builder.

use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::adaptive::{AdaptiveTimeout, Patience};
use super::service::Timeout;
use crate::config::ConfigError;
use crate::telemetry::{Counter, Event, Telemetry, names};

/// Limits the time of each attempt.
///
/// See the [module docs](super) for an example.
#[derive(Debug, Clone)]
pub struct TimeoutLayer {
    rules: Arc<Rules>,
}

/// What all clones share.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) name: Arc<str>,
    pub(super) patience: Patience,
    elapsed: Counter,
    telemetry: Telemetry,
}

impl Rules {
    /// Counts and tells that a call was given up.
    pub(super) fn give_up(&self, after: Duration) {
        self.elapsed.increment();
        self.telemetry.tell(|| Event::TimedOut {
            client: self.name.as_ref().to_owned(),
            after_ms: millis(after),
        });
    }
}

/// A time in milliseconds, as events say it.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl TimeoutLayer {
    /// Begins a timeout for attempts on the dependency called `name`: the name that
    /// metrics and errors use.
    pub fn builder(name: impl Into<String>) -> TimeoutBuilder {
        TimeoutBuilder {
            name: name.into(),
            timeout: Duration::from_millis(500),
            adaptive: None,
            telemetry: Telemetry::default(),
        }
    }

    /// What the next attempt gets.
    pub(crate) fn present(&self) -> Duration {
        self.rules.patience.present()
    }
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Timeout::new(inner, Arc::clone(&self.rules))
    }
}

/// Builds a [`TimeoutLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct TimeoutBuilder {
    name: String,
    timeout: Duration,
    adaptive: Option<AdaptiveTimeout>,
    telemetry: Telemetry,
}

impl TimeoutBuilder {
    /// The time for one attempt (default 500 ms, that of the client stack).
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets the time follow what the dependency usually takes, up to that of
    /// [`timeout`](Self::timeout) (default: no, it is fixed).
    pub fn adaptive(mut self, adaptive: impl Into<Option<AdaptiveTimeout>>) -> Self {
        self.adaptive = adaptive.into();
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// A time of zero, or a number that adaptive timeouts cannot work with.
    pub fn build(self) -> Result<TimeoutLayer, ConfigError> {
        let elapsed = self.telemetry.counter(&names::TIMEOUTS, &[&self.name]);
        let rules = Rules {
            name: self.name.into(),
            patience: Patience::new(self.timeout, self.adaptive)?,
            elapsed,
            telemetry: self.telemetry,
        };
        Ok(TimeoutLayer {
            rules: Arc::new(rules),
        })
    }
}
