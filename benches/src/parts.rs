//! Single parts, each beside the part of a peer that promises the same or nearly so.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use resilience::BoxError;
use resilience::bulkhead::BulkheadLayer;
use resilience::circuit_breaker::CircuitBreakerLayer;
use resilience::coalesce::CoalesceLayer;
use resilience::deadline::DeadlineLayer;
use resilience::fault::{FaultLayer, Faults};
use resilience::hedge::{HedgeConfig, HedgeLayer};
use resilience::quantile::QuantileConfig;
use resilience::rate_limit::{RateLimitLayer, RateLimiter};
use resilience::retry::RetryLayer;
use resilience::timeout::TimeoutLayer;
use tower::retry::budget::{Budget, TpsBudget};
use tower::{Layer, ServiceBuilder};
use tower_resilience::{bulkhead, circuitbreaker, coalesce, ratelimiter, retry, timelimiter};
use tower_service::Service;

use crate::contender::{BARE, Contender, Instance, Table};
use crate::drive::{self, Expected};
use crate::trivial::{Transport, get};

/// The fault layer of a stack without faults.
pub const FAULT: &str = "fault: resilience, disabled";
pub const SECOND: Duration = Duration::from_secs(1);
const PLACES: usize = 64;

/// More in a second than can be asked for.
const MANY: u32 = 1_000_000_000;

pub fn contenders() -> Vec<Contender> {
    let mut all = Vec::new();
    let mut add = |name: &str, promises: &str, make: fn() -> Instance| {
        all.extend(Contender::on_threads(
            Table::Parts,
            &[1],
            name,
            promises,
            make,
        ));
    };
    add(BARE, "nothing", || on(Transport));
    add("breaker: resilience", "latency tracked", || {
        let layer = CircuitBreakerLayer::builder("bench").build();
        ours(layer.expect("defaults"))
    });
    add("breaker: tower-resilience", "latency tracked", || {
        let layer = circuitbreaker::CircuitBreakerLayer::builder()
            .slow_call_duration_threshold(SECOND)
            .build();
        on(layer.expect("defaults").layer(Transport))
    });
    add("timeout: resilience", "deadline of the context", || {
        ours(
            TimeoutLayer::builder("bench")
                .timeout(SECOND)
                .build()
                .expect("a second"),
        )
    });
    add("timeout: tower", "", || {
        on(ServiceBuilder::new().timeout(SECOND).service(Transport))
    });
    add("timeout: tower-resilience", "", || {
        on(their_timeout().layer(Transport))
    });
    add(
        "bulkhead: resilience",
        "bounded queue, time limit, gauges",
        || ours(BulkheadLayer::builder("bench").build().expect("defaults")),
    );
    add(
        "bulkhead: tower ConcurrencyLimit",
        "unbounded queue",
        || {
            let builder = ServiceBuilder::new().concurrency_limit(PLACES);
            on(builder.service(Transport))
        },
    );
    add(
        "bulkhead: tower LoadShed, ConcurrencyLimit",
        "no queue",
        || {
            let builder = ServiceBuilder::new().load_shed();
            on(builder.concurrency_limit(PLACES).service(Transport))
        },
    );
    add("bulkhead: tower-resilience", "no queue", || {
        on(their_bulkhead().layer(Transport))
    });
    add(
        "retry: resilience",
        "budget, deadline, Retry-After, endpoints tried",
        || ours(RetryLayer::builder("bench").build().expect("defaults")),
    );
    add("retry: tower", "budget", || {
        on(ServiceBuilder::new()
            .retry(Policy::with_budget())
            .service(Transport))
    });
    add("retry: tower-resilience", "no budget", || {
        let shared = shared as fn(BoxError) -> SharedError;
        on(their_retry().layer(tower::util::MapErr::new(Transport, shared)))
    });
    add(
        "hedge: resilience",
        "95th percentile, budget, first good answer",
        || {
            let config = HedgeConfig::after_quantile(QuantileConfig::new(0.95), SECOND);
            let layer = HedgeLayer::builder("bench").config(config).build();
            ours(layer.expect("the numbers are right"))
        },
    );
    add(
        "hedge: tower",
        "95th percentile, no budget, first answer",
        || {
            Box::new(|| {
                let hedge = tower::hedge::Hedge::new(Transport, Always, 20, 0.95, 10 * SECOND);
                drive::service(hedge, Expected::Success, get)
            })
        },
    );
    add(FAULT, "none active, none configured", || {
        ours(FaultLayer::new(None))
    });
    add(
        "fault: resilience, armed",
        "none active, ready to be injected",
        || ours(FaultLayer::new(Faults::builder("bench").build())),
    );
    add("deadline: resilience", "the earliest of three", || {
        ours(
            DeadlineLayer::builder("bench")
                .limit(SECOND)
                .build()
                .unwrap(),
        )
    });
    add(
        "rate limit: resilience",
        "GCRA, headers in the answer",
        || {
            let limiter = RateLimiter::builder("bench").quota(MANY, SECOND).build();
            ours(RateLimitLayer::new(limiter.expect("a quota")))
        },
    );
    add("rate limit: tower-resilience", "fixed window", || {
        let layer = ratelimiter::RateLimiterLayer::builder()
            .limit_for_period(MANY as usize)
            .refresh_period(SECOND)
            .timeout_duration(Duration::ZERO)
            .build();
        on(layer.expect("a quota").layer(Transport))
    });
    add(
        "coalesce: resilience",
        "alone, key of target and callers' headers",
        || ours(CoalesceLayer::builder("bench").build()),
    );
    add("coalesce: tower-resilience", "alone, key of target", || {
        let target = |request: &Request<Bytes>| request.uri().clone();
        let shared = shared as fn(BoxError) -> SharedError;
        on(coalesce::CoalesceLayer::new(target).layer(tower::util::MapErr::new(Transport, shared)))
    });
    all
}

fn on<S>(service: S) -> Instance
where
    S: Service<Request<Bytes>> + Clone + Sync + 'static,
{
    drive::instance(service, Expected::Success, get)
}

fn ours<L>(layer: L) -> Instance
where
    L: Layer<Transport>,
    L::Service: Service<Request<Bytes>> + Clone + Sync + 'static,
{
    on(layer.layer(Transport))
}

/// An error that can be cloned, which tower-resilience's retry demands.
pub type SharedError = Arc<dyn std::error::Error + Send + Sync>;

pub fn shared(error: BoxError) -> SharedError {
    error.into()
}

type TheirRetry = retry::RetryLayer<Request<Bytes>, Response<Full<Bytes>>, SharedError>;

pub fn their_retry() -> TheirRetry {
    TheirRetry::builder()
        .max_attempts(3)
        .exponential_backoff(Duration::from_millis(10))
        .build()
}

pub fn their_bulkhead() -> bulkhead::BulkheadLayer {
    bulkhead::BulkheadLayer::builder()
        .max_concurrent_calls(PLACES)
        .reject_when_full()
        .build()
        .expect("the numbers are right")
}

pub fn their_timeout() -> timelimiter::TimeLimiterLayer {
    timelimiter::TimeLimiterLayer::builder()
        .timeout_duration(SECOND)
        .cancel_running_future(true)
        .build()
}

/// Repeats errors as long as tower's budget allows it.
#[derive(Clone)]
pub struct Policy(Arc<TpsBudget>);

impl Policy {
    pub fn with_budget() -> Self {
        Self(Arc::new(TpsBudget::new(10 * SECOND, 10, 0.2)))
    }
}

impl<B: Clone, R, E> tower::retry::Policy<Request<B>, R, E> for Policy {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<B>, result: &mut Result<R, E>) -> Option<Ready<()>> {
        match result {
            Ok(_) => {
                self.0.deposit();
                None
            }
            Err(_) => self.0.withdraw().then(|| ready(())),
        }
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

/// Hedges everything.
#[derive(Clone)]
struct Always;

impl tower::hedge::Policy<Request<Bytes>> for Always {
    fn clone_request(&self, request: &Request<Bytes>) -> Option<Request<Bytes>> {
        Some(request.clone())
    }

    fn can_retry(&self, _: &Request<Bytes>) -> bool {
        true
    }
}
