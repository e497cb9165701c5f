//! The builder of the server side.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::boundary::Boundary;
use super::count::Counts;
use super::layer::{ServerLayer, Shared};
use crate::concurrency::{AdaptiveLimit, Order, QueueDelay};
use crate::config::{Checks, ConfigError};
use crate::context::Priority;
use crate::fault::Faults;
use crate::load_shed::{HEALTH, LoadShedBuilder};
use crate::rate_limit::{RateLimiter, RateLimiterBuilder};
use crate::telemetry::Telemetry;

/// How much a stranger's request matters.
pub(super) type PriorityOf = Arc<dyn Fn(&Parts) -> Priority + Send + Sync>;

/// How requests are labelled in metrics.
pub(super) type RouteLabel = Arc<dyn Fn(&Parts) -> String + Send + Sync>;

/// Where the rate limit comes from.
#[derive(Clone)]
enum RateLimitSource {
    Limiter(RateLimiter),
    Builder(RateLimiterBuilder),
}

impl RateLimitSource {
    fn limiter(self, telemetry: &Telemetry) -> Result<RateLimiter, ConfigError> {
        match self {
            Self::Limiter(limiter) => Ok(limiter),
            Self::Builder(builder) => builder.telemetry(telemetry.clone()).build(),
        }
    }
}

/// Builds a [`ServerLayer`]; begun by [`server`](super::server).
#[derive(Clone)]
pub struct ServerBuilder {
    name: String,
    boundary: Boundary,
    enabled: bool,
    telemetry: Telemetry,
    sheds: bool,
    shed: LoadShedBuilder,
    deadlines: bool,
    catch_panics: bool,
    default_deadline: Option<Duration>,
    reserve: Duration,
    exempt: Vec<String>,
    route_label: RouteLabel,
    priority: Option<PriorityOf>,
    rate_limit: Option<RateLimitSource>,
    faults: Option<Faults>,
    semantic_metrics: bool,
}

impl ServerBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            sheds: true,
            shed: LoadShedBuilder::new(name.clone()),
            deadlines: true,
            catch_panics: true,
            name,
            // Nobody is trusted by accident.
            boundary: Boundary::Edge,
            enabled: true,
            telemetry: Telemetry::default(),
            default_deadline: None,
            reserve: Duration::ZERO,
            exempt: HEALTH.map(str::to_owned).into(),
            route_label: Arc::new(|_| "all".to_owned()),
            priority: None,
            rate_limit: None,
            faults: None,
            semantic_metrics: false,
        }
    }

    /// Strangers call: internal headers are stripped (the default).
    #[must_use]
    pub const fn edge(mut self) -> Self {
        self.boundary = Boundary::Edge;
        self
    }

    /// Only our own services call: their deadline, priority and trace are taken over.
    #[must_use]
    pub const fn internal(mut self) -> Self {
        self.boundary = Boundary::Internal;
        self
    }

    /// Where it counts and tells (default: a registry of its own).
    #[must_use]
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// `false` turns everything off: requests reach the handler as they came.
    #[must_use]
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// How many requests are worked on at once (default 256, see [`LoadShedBuilder`]); `None`
    /// takes limit and queue out, adaptive or not: everything is worked on at once.
    #[must_use]
    pub fn max_in_flight(mut self, requests: impl Into<Option<usize>>) -> Self {
        let requests = requests.into();
        self.sheds = requests.is_some();
        if let Some(requests) = requests {
            self.shed = self.shed.max_in_flight(requests);
        }
        self
    }

    /// How many may wait, and for how long (default 256 and 100 ms: longer than a hiccup,
    /// shorter than what a caller gives one attempt).
    #[must_use]
    pub fn queue(mut self, length: usize, wait: Duration) -> Self {
        self.shed = self.shed.queue(length, wait);
        self
    }

    /// How many requests are worked on at once, following what is measured instead of
    /// [`max_in_flight`](Self::max_in_flight) (default: none).
    #[must_use]
    pub fn adaptive(mut self, limit: impl Into<Option<AdaptiveLimit>>) -> Self {
        self.shed = self.shed.adaptive(limit);
        self
    }

    /// In which order those that wait get a place (default: first come, first served, among
    /// those that matter alike).
    #[must_use]
    pub fn queue_order(mut self, order: Order) -> Self {
        self.shed = self.shed.queue_order(order);
        self
    }

    /// When waiting has become pointless (default: not before the time limit of the queue).
    #[must_use]
    pub fn queue_delay(mut self, delay: impl Into<Option<QueueDelay>>) -> Self {
        self.shed = self.shed.queue_delay(delay);
        self
    }

    /// What those are told in `Retry-After` that find no place (default 1 s); `None` leaves the
    /// header out.
    #[must_use]
    pub fn retry_after(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.shed = self.shed.retry_after(time);
        self
    }

    /// Whether deadlines are kept (default: yes); `false` takes both parts out: nothing is
    /// refused for being late, and no work is cut off. The handler's own calls still know how
    /// much time is left.
    #[must_use]
    pub const fn deadlines(mut self, deadlines: bool) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Whether a handler that panics is answered with a 500 (default: yes); `false` lets the
    /// panic go on, which breaks the connection.
    #[must_use]
    pub const fn catch_panics(mut self, catch: bool) -> Self {
        self.catch_panics = catch;
        self
    }

    /// The longest time for a request; also for one that brings a longer deadline (default:
    /// none but what the request brings).
    #[must_use]
    pub fn default_deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.default_deadline = deadline.into();
        self
    }

    /// What is kept back of the time a request brings, for the way of the answer to its caller
    /// (default: nothing; the caller's own stack keeps a reserve already).
    #[must_use]
    pub const fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = reserve;
        self
    }

    /// Paths that are never queued or shed (default `/livez`, `/readyz`, `/healthz`).
    #[must_use]
    pub fn exempt(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.exempt = paths.into_iter().map(Into::into).collect();
        self
    }

    /// How much a request matters that comes over the edge, such as by the route that matched
    /// (default: all alike). Inside, the caller says it in `aplomb-priority`.
    #[must_use]
    pub fn priority(mut self, of: impl Fn(&Parts) -> Priority + Send + Sync + 'static) -> Self {
        self.priority = Some(Arc::new(of));
        self
    }

    /// How many requests a caller may make (default: no limit). What is refused is answered 429
    /// with `Retry-After` before it waits for a place; exempt paths are not limited.
    #[must_use]
    pub fn rate_limit(mut self, limiter: impl Into<Option<RateLimiter>>) -> Self {
        self.rate_limit = limiter.into().map(RateLimitSource::Limiter);
        self
    }

    /// The same, where the server has the limiter for itself: it gets the server's telemetry.
    #[must_use]
    pub fn quota(mut self, limiter: RateLimiterBuilder) -> Self {
        self.rate_limit = Some(RateLimitSource::Builder(limiter));
        self
    }

    /// What is broken on purpose in front of the handler (default: nothing).
    #[must_use]
    pub fn faults(mut self, faults: impl Into<Option<Faults>>) -> Self {
        self.faults = faults.into();
        self
    }

    /// Whether requests are counted under the name that OpenTelemetry's semantic conventions give
    /// it, `http_server_request_duration_seconds`, too (default: no). The label of the
    /// [route](Self::route_label) is its `http_route`.
    #[must_use]
    pub const fn semantic_metrics(mut self, semantic: bool) -> Self {
        self.semantic_metrics = semantic;
        self
    }

    /// How requests are labelled in metrics, such as by the route that matched (default: all
    /// alike). At most 256 labels are told apart.
    #[must_use]
    pub fn route_label(mut self, label: impl Fn(&Parts) -> String + Send + Sync + 'static) -> Self {
        self.route_label = Arc::new(label);
        self
    }

    /// What cannot be.
    pub(crate) fn mistakes(&self) -> Vec<ConfigError> {
        let no_time = self.default_deadline.map_or(Ok(()), |deadline| {
            Checks("server").is_positive("default_deadline", deadline)
        });
        let mut mistakes: Vec<ConfigError> = no_time.err().into_iter().collect();
        mistakes.extend(self.shed.mistakes());
        let limiter = self.rate_limit.clone();
        mistakes.extend(limiter.and_then(|it| it.limiter(&Telemetry::default()).err()));
        mistakes
    }

    /// How many may wait, and for how long, as it stands.
    #[cfg(feature = "settings")]
    pub(crate) const fn present_queue(&self) -> (usize, Duration) {
        self.shed.present_queue()
    }

    /// The layer. Every service it is put around shares one queue.
    ///
    /// # Errors
    ///
    /// The first number that cannot be, with its name and what would be right.
    pub fn build(self) -> Result<ServerLayer, ConfigError> {
        if let Some(mistake) = self.mistakes().into_iter().next() {
            return Err(mistake);
        }
        let shed = self.shed.telemetry(self.telemetry.clone());
        let rate_limit = self
            .rate_limit
            .map(|source| source.limiter(&self.telemetry))
            .transpose()?;
        let counts = Counts::new(&self.name, self.telemetry, self.route_label)
            .with_semantic_metrics(self.semantic_metrics);
        Ok(ServerLayer::new(Shared {
            shedder: self.sheds.then(|| shed.shedder()),
            deadlines: self.deadlines,
            catch_panics: self.catch_panics,
            name: self.name,
            boundary: self.boundary,
            enabled: self.enabled,
            default_deadline: self.default_deadline,
            reserve: self.reserve,
            exempt: self.exempt,
            priority: self.priority,
            rate_limit,
            faults: self.faults,
            counts,
        }))
    }
}
