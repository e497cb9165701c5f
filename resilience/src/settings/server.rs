//! Settings of a server stack.

use serde::{Deserialize, Serialize};

use super::latency::AdaptiveLimitSettings;
use super::{Limit, Span};
use crate::server::ServerBuilder;

/// What can be set of a server stack; see [`ServerBuilder`] for what each key means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ServerSettings {
    /// `false` turns everything off.
    pub enabled: Option<bool>,
    /// How many requests are worked on at once.
    pub max_in_flight: Option<usize>,
    /// How many requests are worked on at once follows what is measured, in place of
    /// `max_in_flight`.
    pub adaptive: Option<AdaptiveLimitSettings>,
    /// Whether requests are counted under OpenTelemetry's name, too.
    pub semantic_metrics: Option<bool>,
    /// How many requests may wait, and for how long.
    pub queue: Option<QueueSettings>,
    /// The longest time for a request.
    pub default_deadline: Option<Limit>,
    /// What is kept back of the time that a request brings.
    pub reserve: Option<Span>,
    /// Paths that are never queued or shed.
    pub exempt: Option<Vec<String>>,
}

/// A queue in front of the handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct QueueSettings {
    /// How many requests may wait.
    pub length: usize,
    /// For how long one may wait.
    pub wait: Span,
}

impl ServerSettings {
    pub(super) fn apply(&self, mut builder: ServerBuilder) -> ServerBuilder {
        if let Some(enabled) = self.enabled {
            builder = builder.enabled(enabled);
        }
        if let Some(requests) = self.max_in_flight {
            builder = builder.max_in_flight(requests);
        }
        if let Some(adaptive) = &self.adaptive {
            builder = builder.adaptive(adaptive.config());
        }
        if let Some(semantic) = self.semantic_metrics {
            builder = builder.semantic_metrics(semantic);
        }
        if let Some(queue) = self.queue {
            builder = builder.queue(queue.length, queue.wait.0);
        }
        if let Some(Limit(deadline)) = self.default_deadline {
            builder = builder.default_deadline(deadline);
        }
        if let Some(Span(reserve)) = self.reserve {
            builder = builder.reserve(reserve);
        }
        if let Some(paths) = &self.exempt {
            builder = builder.exempt(paths);
        }
        builder
    }
}
