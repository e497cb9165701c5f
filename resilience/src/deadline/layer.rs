//! Builder and layer.

use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::DeadlineService;
use crate::config::{Checks, ConfigError};
use crate::ledger::Reason;
use crate::telemetry::{Counter, Event, Telemetry, names};

/// What all clones of a service share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) limit: Option<Duration>,
    pub(super) reserve: Duration,
    refused: Counter,
    telemetry: Telemetry,
    expired_read: Counter,
    expired_write: Counter,
}

impl Shared {
    /// Counts and tells that a request came too late.
    pub(super) fn refuse(&self) {
        self.refused.increment();
        self.telemetry.tell(|| Event::Rejected {
            name: self.name.clone(),
            by: "deadline".to_owned(),
            reason: Reason::Deadline.as_str().to_owned(),
        });
    }

    /// Counts and tells that the time was up while a read was at work, which ends with it.
    pub(super) fn expire_read(&self) {
        self.expired_read.increment();
        self.expired(false);
    }

    /// The same for a write, which goes on.
    pub(super) fn expire_write(&self) {
        self.expired_write.increment();
        self.expired(true);
    }

    fn expired(&self, goes_on: bool) {
        self.telemetry.tell(|| Event::DeadlineExpired {
            name: self.name.clone(),
            goes_on,
        });
    }
}

/// Gives every request a deadline; see the [module](super).
#[derive(Debug, Clone)]
pub struct DeadlineLayer {
    shared: Arc<Shared>,
}

impl DeadlineLayer {
    /// Begins a layer whose errors and metrics carry `name`.
    pub fn builder(name: impl Into<String>) -> DeadlineBuilder {
        DeadlineBuilder {
            name: name.into(),
            limit: None,
            reserve: Duration::ZERO,
            telemetry: Telemetry::default(),
        }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = DeadlineService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        DeadlineService::new(inner, Arc::clone(&self.shared))
    }
}

/// Builds a [`DeadlineLayer`].
#[derive(Debug, Clone)]
pub struct DeadlineBuilder {
    name: String,
    limit: Option<Duration>,
    reserve: Duration,
    telemetry: Telemetry,
}

impl DeadlineBuilder {
    /// The longest time from the call to the answer (default: only what the context has left).
    #[must_use]
    pub fn limit(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limit = limit.into();
        self
    }

    /// What is kept back of the context's time for the caller's own work (default: nothing).
    #[must_use]
    pub const fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = reserve;
        self
    }

    /// Where it counts and tells (default: a registry of its own).
    #[must_use]
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// A limit of zero, which would refuse everything.
    pub fn build(self) -> Result<DeadlineLayer, ConfigError> {
        if let Some(limit) = self.limit {
            Checks("deadline").is_positive("limit", limit)?;
        }
        let counter = |event| {
            self.telemetry
                .counter(&names::DEADLINES, &[&self.name, event])
        };
        Ok(DeadlineLayer {
            shared: Arc::new(Shared {
                refused: counter("refused"),
                expired_read: counter("expired-read"),
                expired_write: counter("expired-write"),
                telemetry: self.telemetry,
                name: self.name,
                limit: self.limit,
                reserve: self.reserve,
            }),
        })
    }
}
