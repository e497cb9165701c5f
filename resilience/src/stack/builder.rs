//! Putting a client stack together.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use tower::ServiceBuilder;
use tower::util::Either;
use tower_service::Service;

use super::Client;
use super::actual::ActualLayer;
use super::client::Handles;
use super::effective::EffectiveLayer;
use super::in_context::InContextLayer;
use super::lazy::LazyLayer;
use super::optional::Optional;
use super::propagate::PropagateLayer;
use super::round_robin::RoundRobinLayer;
use super::semantic::SemanticLayer;
use super::to_the_end::ToTheEnd;
use crate::BoxError;
use crate::balance::{BalanceConfig, BalanceLayer, Dns, EndpointSource};
use crate::body::{COLLECT_LIMIT, CollectLayer, ResponseBody};
use crate::bulkhead::{BulkheadConfig, BulkheadLayer};
use crate::circuit_breaker::{AtEndOfStream, CircuitBreakerConfig, CircuitBreakerLayer};
use crate::classify::{Classify, HttpClassify};
use crate::coalesce::CoalesceLayer;
use crate::config::{Checks, ConfigError};
use crate::deadline::DeadlineLayer;
use crate::fallback::{Fallback, FallbackLayer};
use crate::fault::{FaultLayer, Faults};
use crate::hedge::{HedgeConfig, HedgeLayer};
use crate::retry::{RetryConfig, RetryLayer};
use crate::telemetry::{RequestDurations, Telemetry, names};
use crate::timeout::{AdaptiveTimeout, BODY_IDLE, IdleTimeoutLayer, TimeoutLayer};
use crate::transport::{CONNECT_TIMEOUT, HttpTransport};

const DEADLINE: Duration = Duration::from_secs(2);
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(500);
const RESERVE: Duration = Duration::from_millis(10);

/// One bad endpoint of two fails at most every second attempt, and one more at the edge of a
/// window: above that the service itself is to blame.
pub(crate) const BREAKER_FAILURE_RATE: f64 = 0.6;

type Breaker<C> = CircuitBreakerLayer<ToTheEnd<C>, AtEndOfStream>;

/// Builds a [`Client`]; begun by [`client`](crate::client).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder<C = HttpClassify> {
    name: String,
    endpoints: EndpointSource,
    dns: Option<Dns>,
    connect_timeout: Option<Duration>,
    classify: C,
    deadlines: bool,
    deadline: Option<Duration>,
    reserve: Duration,
    attempt_timeout: Option<Duration>,
    adaptive_timeout: Option<AdaptiveTimeout>,
    body_idle: Option<Duration>,
    collect: Option<usize>,
    propagate: bool,
    success_metrics: bool,
    balance: Balancing,
    breaker: Option<CircuitBreakerConfig>,
    bulkhead: Option<BulkheadConfig>,
    retry: Option<RetryConfig>,
    hedge: Option<HedgeConfig>,
    coalesce: bool,
    fallback: Fallback,
    weight: f64,
    caller: Option<String>,
    faults: Option<Faults>,
    semantic_metrics: bool,
    telemetry: Telemetry,
    seed: Option<u64>,
    enabled: bool,
}

/// How endpoints are chosen.
#[derive(Debug, Clone)]
enum Balancing {
    /// As a client stack does it unless somebody speaks.
    Default,
    Config(BalanceConfig),
    /// In turn.
    Off,
}

impl ClientBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            endpoints: EndpointSource::default(),
            dns: None,
            connect_timeout: Some(CONNECT_TIMEOUT),
            classify: HttpClassify::default(),
            deadlines: true,
            deadline: Some(DEADLINE),
            reserve: RESERVE,
            attempt_timeout: Some(ATTEMPT_TIMEOUT),
            adaptive_timeout: None,
            body_idle: Some(BODY_IDLE),
            collect: Some(COLLECT_LIMIT),
            propagate: true,
            success_metrics: true,
            balance: Balancing::Default,
            breaker: Some(CircuitBreakerConfig::new().failure_rate(BREAKER_FAILURE_RATE)),
            bulkhead: Some(BulkheadConfig::default()),
            retry: Some(RetryConfig::new()),
            hedge: None,
            coalesce: false,
            fallback: Fallback::new(),
            weight: 1.0,
            caller: None,
            faults: None,
            semantic_metrics: false,
            telemetry: Telemetry::default(),
            seed: None,
            enabled: true,
        }
    }
}

impl<C> ClientBuilder<C> {
    /// What counts as a failure, for every part that asks: retry, hedge, breaker, balancer,
    /// fallback and the metrics of success (default: [`HttpClassify`], by which server errors
    /// and errors are failures, but not what the middleware itself rejects). For gRPC it is
    /// [`GrpcClassify`](crate::classify::GrpcClassify).
    pub fn classify<D>(self, classify: D) -> ClientBuilder<D> {
        ClientBuilder {
            name: self.name,
            endpoints: self.endpoints,
            dns: self.dns,
            connect_timeout: self.connect_timeout,
            classify,
            deadlines: self.deadlines,
            deadline: self.deadline,
            reserve: self.reserve,
            attempt_timeout: self.attempt_timeout,
            adaptive_timeout: self.adaptive_timeout,
            body_idle: self.body_idle,
            collect: self.collect,
            propagate: self.propagate,
            success_metrics: self.success_metrics,
            balance: self.balance,
            breaker: self.breaker,
            bulkhead: self.bulkhead,
            retry: self.retry,
            hedge: self.hedge,
            coalesce: self.coalesce,
            fallback: self.fallback,
            weight: self.weight,
            caller: self.caller,
            faults: self.faults,
            semantic_metrics: self.semantic_metrics,
            telemetry: self.telemetry,
            seed: self.seed,
            enabled: self.enabled,
        }
    }

    /// Where the dependency can be reached (default: nowhere).
    ///
    /// A fixed list ([`Endpoints`](crate::balance::Endpoints)), or one that is followed: a stream,
    /// or a name that is resolved again and again.
    pub fn endpoints(mut self, endpoints: impl Into<EndpointSource>) -> Self {
        self.endpoints = endpoints.into();
        self.dns = None;
        self
    }

    /// Where the dependency can be reached, as a name that is resolved again and again from
    /// [`build`](Self::build) on; in place of [`endpoints`](Self::endpoints).
    pub fn dns(mut self, dns: Dns) -> Self {
        self.dns = Some(dns);
        self
    }

    /// How long a connection may take to come about (default
    /// [`CONNECT_TIMEOUT`], 1 s); `None` waits as long as the system does. A
    /// [transport of your own](Self::build_on) sees to that itself.
    pub fn connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.connect_timeout = timeout.into();
        self
    }

    /// Whether calls end at deadlines (default: yes); `false` removes the part, with
    /// [`deadline`](Self::deadline) and the context's. A dependency that is told the time left
    /// still hears it.
    pub const fn deadlines(mut self, deadlines: bool) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// The time for the whole call, all attempts included: the upper bound of what the context
    /// of the request leaves, and the whole of it where there is no context. Default 2 s, twice
    /// the second from which on a user notices the wait (J. Nielsen, "Response Times", 1993).
    /// `None` leaves only the context's; see [`deadlines`](Self::deadlines).
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// What is kept back of the context's time for the caller's own work after this call
    /// (default 10 ms, enough to make an answer and to send it).
    pub const fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = reserve;
        self
    }

    /// The time for one attempt (default 500 ms, a quarter of the deadline, so that three
    /// attempts and the waits between them fit); `None` removes the part.
    pub fn attempt_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.attempt_timeout = timeout.into();
        self
    }

    /// Lets the time for one attempt follow what the dependency usually takes, up to that of
    /// [`attempt_timeout`](Self::attempt_timeout) (default: no, it is fixed).
    pub fn adaptive_timeout(mut self, adaptive: impl Into<Option<AdaptiveTimeout>>) -> Self {
        self.adaptive_timeout = adaptive.into();
        self
    }

    /// The longest silence in the body of an answer (default 60 s, that of nginx's
    /// `proxy_read_timeout`); `None` removes the part.
    pub fn body_idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.body_idle = idle.into();
        self
    }

    /// Up to how many bytes a body is collected inside the attempt (default
    /// [`COLLECT_LIMIT`], 1 MiB); `None` removes the part: every body streams, and one that
    /// breaks off is the caller's to deal with.
    pub fn collect(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.collect = limit.into();
        self
    }

    /// Whether trace, priority, caller and the time left are written into the headers of each
    /// attempt (default: yes).
    pub const fn propagate(mut self, propagate: bool) -> Self {
        self.propagate = propagate;
        self
    }

    /// Whether calls and attempts are counted by what came of them, each in a span of its own
    /// (default: yes). Without, attempts of a call that brings no context have no common trace.
    pub const fn success_metrics(mut self, success_metrics: bool) -> Self {
        self.success_metrics = success_metrics;
        self
    }

    /// How endpoints are chosen and ejected. The defaults are those of [`BalanceConfig`], with
    /// half of the attempt timeout for calls that are given up without an answer. `None` removes
    /// the part: endpoints are taken in turn.
    pub fn balance(mut self, config: impl Into<Option<BalanceConfig>>) -> Self {
        self.balance = config.into().map_or(Balancing::Off, Balancing::Config);
        self
    }

    /// When the circuit opens; `None` removes the part.
    ///
    /// The defaults are those of [`CircuitBreakerConfig`], except that 60 % of the attempts
    /// must fail: with one bad endpoint of two, half of them can.
    pub fn breaker(mut self, config: impl Into<Option<CircuitBreakerConfig>>) -> Self {
        self.breaker = config.into();
        self
    }

    /// How many attempts may be under way at once (default: that of [`BulkheadConfig`]);
    /// `None` removes the part.
    pub fn bulkhead(mut self, config: impl Into<Option<BulkheadConfig>>) -> Self {
        self.bulkhead = config.into();
        self
    }

    /// When and how often a failed attempt is repeated (default: that of [`RetryConfig`]);
    /// `None` removes the part.
    pub fn retry(mut self, config: impl Into<Option<RetryConfig>>) -> Self {
        self.retry = config.into();
        self
    }

    /// Whether identical reads that are under way at the same time share one call (default:
    /// no, since only the caller knows that nothing but target and headers tells them apart).
    pub const fn coalesce(mut self, coalesce: bool) -> Self {
        self.coalesce = coalesce;
        self
    }

    /// When a slow call is sent a second time to another endpoint (default: never, since it
    /// costs the dependency more work); `None` removes the part.
    pub fn hedge(mut self, config: impl Into<Option<HedgeConfig>>) -> Self {
        self.hedge = config.into();
        self
    }

    /// What stands in when a call fails for good (default: nothing); `None` takes it away
    /// again. Degradations that the dependency itself reports are merged in either case.
    pub fn fallback(mut self, fallback: impl Into<Option<Fallback>>) -> Self {
        self.fallback = fallback.into().unwrap_or_default();
        self
    }

    /// The share of the caller's own answer that a call provides, 0 to 1 (default 1): what
    /// the dependency reports as degraded counts for that much. A
    /// [`CallWeight`](super::CallWeight) overrides it for one call.
    pub const fn weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// Who calls, told to the dependency in `aplomb-caller` (default: nobody says so).
    pub fn caller(mut self, name: impl Into<String>) -> Self {
        self.caller = Some(name.into());
        self
    }

    /// What is broken on purpose between the balancer and the wire (default: nothing).
    pub fn faults(mut self, faults: impl Into<Option<Faults>>) -> Self {
        self.faults = faults.into();
        self
    }

    /// Whether each request on the wire is counted under the name that OpenTelemetry's semantic
    /// conventions give it, `http_client_request_duration_seconds`, too (default: no).
    pub const fn semantic_metrics(mut self, semantic: bool) -> Self {
        self.semantic_metrics = semantic;
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// The seed of everything that is left to chance: jitter, choice of endpoints, when a
    /// breaker probes (default: a random one, told at level debug).
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// `false` turns everything off: what remains takes the endpoints in turn, without
    /// retry, timeout, breaker, fallback or ledger.
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// The time for one attempt, as it stands.
    #[cfg(feature = "settings")]
    pub(crate) const fn present_attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout
    }
}

impl<C> ClientBuilder<C>
where
    C: Classify<Response<ResponseBody>, BoxError> + Clone + Send + Sync + 'static,
{
    /// The client, on hyper's pooled HTTP/1 connections, without TLS. For `https` see
    /// [`HttpTransport::with_connector`].
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right; or, with
    /// [`dns`](Self::dns), no runtime of tokio.
    pub fn build(self) -> Result<Client, BuildError> {
        let transport = if self.enabled {
            HttpTransport::new(self.connect_timeout)
        } else {
            HttpTransport::new(None)
        };
        self.build_on(transport)
    }

    /// The client, on a transport of your own: a service that sends a request with an
    /// absolute URI, whose scheme is `http`. One speaks TLS, one another protocol; tests script
    /// one in process.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right.
    pub fn build_on<T, B>(mut self, transport: T) -> Result<Client, BuildError>
    where
        T: Service<Request<Bytes>, Response = Response<B>> + Clone + Send + Sync + 'static,
        T::Error: Into<BoxError>,
        T::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.check()?;
        let name: Arc<str> = self.name.as_str().into();
        if let Some(dns) = self.dns.take() {
            self.endpoints = dns.start()?;
        }
        if !self.enabled {
            let plain = ServiceBuilder::new()
                .layer(RoundRobinLayer::new(&name, &self.endpoints))
                .layer(CollectLayer::default())
                .service(transport);
            return Ok(Client::new(name, plain, Handles::default()));
        }
        let seed = self.seed.unwrap_or_else(rand::random);
        tracing::debug!(
            client = &*name,
            seed,
            "client {name} begins with seed {seed}"
        );
        let breaker = self.breaker_layer(seed)?;
        let balance = self.balance_layer(seed)?;
        let bulkhead = self.bulkhead_layer()?;
        let retry = self.retry_layer(seed)?;
        let hedge = self.hedge_layer()?;
        let timeout = self.timeout_layer()?;
        let propagate = self.propagate_layer(timeout.as_ref())?;
        let handles = Handles {
            breaker: breaker.as_ref().map(CircuitBreakerLayer::handle),
            balance: balance.as_ref().map(BalanceLayer::handle),
            bulkhead: bulkhead.as_ref().map(BulkheadLayer::handle),
            retry_budget: retry.as_ref().map(RetryLayer::budget),
            hedge_budget: hedge.as_ref().map(HedgeLayer::budget),
            faults: self.faults.clone(),
        };
        let stack = ServiceBuilder::new()
            .layer(Optional(self.effective_layer()))
            .layer(self.fallback_layer()?)
            .layer(Optional(self.deadline_layer()?))
            .layer(Optional(self.coalesce_layer()))
            .layer(Optional(retry))
            .layer(LazyLayer)
            .layer(Optional(hedge))
            .layer(Optional(self.actual_layer()))
            .layer(Optional(breaker))
            .layer(Optional(self.in_context_layer()))
            .layer(Optional(bulkhead))
            .layer(Optional(timeout))
            .layer(Optional(propagate))
            .layer(match balance {
                Some(balance) => Either::Left(balance),
                None => Either::Right(RoundRobinLayer::new(&name, &self.endpoints)),
            })
            .layer(SemanticLayer::new(self.durations()))
            .layer(self.collect_layer())
            .layer(self.idle_layer()?)
            .layer(FaultLayer::new(self.faults.clone()))
            .service(transport);
        Ok(Client::new(name, stack, handles))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let checks = Checks("client");
        checks.is_within("weight", self.weight, 0.0, 1.0)?;
        if let Some(deadline) = self.deadline {
            checks.is_positive("deadline", deadline)?;
        }
        if let Some(dns) = &self.dns {
            dns.check()?;
        }
        match self.attempt_timeout {
            Some(timeout) => checks.is_positive("attempt_timeout", timeout),
            None => Ok(()),
        }
    }

    /// What cannot be: the first value of each part.
    #[cfg(feature = "settings")]
    pub(crate) fn mistakes(&self) -> Vec<ConfigError> {
        let parts = [
            self.check(),
            self.caller_header().map(drop),
            self.fallback_layer().map(drop),
            self.retry_layer(0).map(drop),
            self.hedge_layer().map(drop),
            self.breaker_layer(0).map(drop),
            self.bulkhead_layer().map(drop),
            self.timeout_layer().map(drop),
            self.idle_layer().map(drop),
            self.balance_layer(0).map(drop),
        ];
        let mut mistakes: Vec<ConfigError> = parts.into_iter().filter_map(Result::err).collect();
        // Two parts may refuse the same value.
        mistakes.dedup_by(|one, other| one.key() == other.key());
        mistakes
    }

    fn judge(&self) -> ToTheEnd<C> {
        ToTheEnd(self.classify.clone())
    }

    fn effective_layer(&self) -> Option<EffectiveLayer<ToTheEnd<C>>> {
        let layer = || EffectiveLayer::new(&self.name, &self.telemetry, self.judge());
        self.success_metrics.then(layer)
    }

    fn actual_layer(&self) -> Option<ActualLayer<ToTheEnd<C>>> {
        let layer = || ActualLayer::new(&self.name, &self.telemetry, self.judge());
        self.success_metrics.then(layer)
    }

    fn propagate_layer(
        &self,
        timeout: Option<&TimeoutLayer>,
    ) -> Result<Option<PropagateLayer>, ConfigError> {
        let caller = self.caller_header()?;
        let layer = || PropagateLayer::new(timeout.cloned(), caller);
        Ok(self.propagate.then(layer))
    }

    fn collect_layer(&self) -> CollectLayer {
        self.collect
            .map_or_else(CollectLayer::streaming, CollectLayer::new)
    }

    fn durations(&self) -> Option<Arc<RequestDurations>> {
        let definition = &names::HTTP_CLIENT_REQUEST_DURATION;
        let durations = || RequestDurations::new(self.telemetry.clone(), definition);
        self.semantic_metrics.then(|| Arc::new(durations()))
    }

    fn caller_header(&self) -> Result<Option<HeaderValue>, ConfigError> {
        let value = |caller: &String| {
            HeaderValue::from_str(caller)
                .map_err(|_| ConfigError::new("client", "caller", caller, "the value of a header"))
        };
        self.caller.as_ref().map(value).transpose()
    }

    fn fallback_layer(&self) -> Result<FallbackLayer<ToTheEnd<C>>, ConfigError> {
        FallbackLayer::builder(&self.name)
            .classify(self.judge())
            .fallback(self.fallback.clone())
            .weight(self.weight)
            .telemetry(self.telemetry.clone())
            .build()
    }

    fn deadline_layer(&self) -> Result<Option<DeadlineLayer>, ConfigError> {
        let build = || {
            DeadlineLayer::builder(&self.name)
                .limit(self.deadline)
                .reserve(self.reserve)
                .telemetry(self.telemetry.clone())
                .build()
        };
        self.deadlines.then(build).transpose()
    }

    fn retry_layer(&self, seed: u64) -> Result<Option<RetryLayer<ToTheEnd<C>>>, ConfigError> {
        let build = |config: &RetryConfig| {
            RetryLayer::builder(&self.name)
                .classify(self.judge())
                .config(config.clone())
                .seed(seed)
                .telemetry(self.telemetry.clone())
                .build()
        };
        self.retry.as_ref().map(build).transpose()
    }

    fn coalesce_layer(&self) -> Option<CoalesceLayer<ResponseBody>> {
        let build = || {
            CoalesceLayer::builder(&self.name)
                .telemetry(self.telemetry.clone())
                .build()
        };
        self.coalesce.then(build)
    }

    fn hedge_layer(&self) -> Result<Option<HedgeLayer<ToTheEnd<C>>>, ConfigError> {
        let build = |config| {
            HedgeLayer::builder(&self.name)
                .classify(self.judge())
                .config(config)
                .telemetry(self.telemetry.clone())
                .build()
        };
        self.hedge.map(build).transpose()
    }

    fn breaker_layer(&self, seed: u64) -> Result<Option<Breaker<C>>, ConfigError> {
        let build = |config: &CircuitBreakerConfig| {
            CircuitBreakerLayer::builder(&self.name)
                .classify(self.judge())
                .config(config.clone())
                .seed(seed)
                .telemetry(self.telemetry.clone())
                .tracking(AtEndOfStream)
                .build()
        };
        self.breaker.as_ref().map(build).transpose()
    }

    fn bulkhead_layer(&self) -> Result<Option<BulkheadLayer<ToTheEnd<C>>>, ConfigError> {
        let build = |config: BulkheadConfig| {
            BulkheadLayer::builder(&self.name)
                .classify(self.judge())
                .config(config)
                .telemetry(self.telemetry.clone())
                .build()
        };
        self.bulkhead.map(build).transpose()
    }

    /// Whoever is told apart by priority brings it in the request, if not in the task.
    fn in_context_layer(&self) -> Option<InContextLayer> {
        let bulkhead = self.bulkhead.filter(|bulkhead| bulkhead.by_priority);
        bulkhead.map(|_| InContextLayer)
    }

    fn timeout_layer(&self) -> Result<Option<TimeoutLayer>, ConfigError> {
        if self.attempt_timeout.is_none() && self.adaptive_timeout.is_some() {
            let expected = "an attempt_timeout, which is its upper bound";
            return Err(ConfigError::new(
                "client",
                "adaptive_timeout",
                "given without an attempt_timeout",
                expected,
            ));
        }
        let build = |timeout| {
            TimeoutLayer::builder(&self.name)
                .timeout(timeout)
                .adaptive(self.adaptive_timeout)
                .telemetry(self.telemetry.clone())
                .build()
        };
        self.attempt_timeout.map(build).transpose()
    }

    fn idle_layer(&self) -> Result<IdleTimeoutLayer, ConfigError> {
        IdleTimeoutLayer::builder(&self.name)
            .idle(self.body_idle)
            .telemetry(self.telemetry.clone())
            .build()
    }

    fn balance_layer(&self, seed: u64) -> Result<Option<BalanceLayer<ToTheEnd<C>>>, ConfigError> {
        let config = match &self.balance {
            Balancing::Default => BalanceConfig::for_attempts(self.attempt_timeout),
            Balancing::Config(config) => config.clone(),
            Balancing::Off => return Ok(None),
        };
        BalanceLayer::builder(&self.name)
            .classify(self.judge())
            .endpoints(self.endpoints.clone())
            .config(config)
            .seed(seed)
            .telemetry(self.telemetry.clone())
            .build()
            .map(Some)
    }
}

/// A client stack that cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct BuildError(#[from] ConfigError);

impl BuildError {
    /// The value that a part cannot work with.
    pub const fn value(&self) -> &ConfigError {
        &self.0
    }
}
