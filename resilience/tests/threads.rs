//! What services are made of can be shared between threads, and what calls are made of can move
//! between them: checked when this compiles.

use std::convert::Infallible;
use std::future::Ready;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use resilience::admin::Admin;
use resilience::backoff::{Decorrelated, Exponential, FullJitter, Linear};
use resilience::balance::{
    BalanceConfig, BalanceHandle, BalanceLayer, Dns, EndpointSource, Endpoints, NoEndpoint,
};
use resilience::body::{CollectLayer, ResponseBody};
use resilience::bulkhead::{BulkheadConfig, BulkheadFull, BulkheadLayer};
use resilience::circuit_breaker::keyed::{KeyedBreakers, KeyedCircuitBreakerLayer};
use resilience::circuit_breaker::{
    BreakerError, BreakerHandle, BreakerStatus, CircuitBreakerConfig, CircuitBreakerLayer,
    CircuitOpen, Rule,
};
use resilience::coalesce::{CoalesceLayer, SharedError};
use resilience::concurrency::LimitHandle;
use resilience::config::ConfigError;
use resilience::context::CallContext;
use resilience::deadline::{DeadlineLayer, DeadlinePassed};
use resilience::fallback::{FailureStatus, Fallback, FallbackLayer};
use resilience::fault::signed::FaultKey;
use resilience::fault::{FaultError, FaultLayer, FaultSpec, Faults};
use resilience::hedge::{HedgeConfig, HedgeLayer};
use resilience::ledger::{Degradations, Ledger};
use resilience::load_shed::{LoadShedBuilder, LoadShedLayer};
use resilience::quantile::LatencyQuantile;
use resilience::rate_limit::{RateLimitLayer, RateLimited, RateLimiter, Standing};
use resilience::retry::{BudgetHandle, ReplayBody, ReplayLayer, RetryConfig, RetryLayer};
use resilience::server::{ServerBuilder, ServerLayer};
use resilience::settings::{Settings, SettingsError};
use resilience::stack::BuildError;
use resilience::telemetry::{Event, Telemetry};
use resilience::testing::Script;
use resilience::timeout::{BodyStalled, IdleTimeoutLayer, TimeoutElapsed, TimeoutLayer};
use resilience::transport::{HttpTransport, TransportError};
use resilience::{BoxError, Client, ClientBuilder};
use tower::{Layer, Service, ServiceExt, service_fn};

const fn is_shared<T: Send + Sync>() {}
const fn is_sent<T: Send>() {}
const fn is_sent_value<T: Send>(_: &T) {}

const _: () = {
    is_shared::<(
        Admin,
        BalanceConfig,
        BalanceHandle,
        BalanceLayer,
        Dns,
        EndpointSource,
        Endpoints,
        NoEndpoint,
    )>();
    is_shared::<(
        BulkheadConfig,
        BulkheadFull,
        BulkheadLayer,
        CollectLayer,
        ResponseBody,
    )>();
    is_shared::<(
        BreakerError<BoxError>,
        BreakerHandle,
        BreakerStatus,
        CircuitBreakerConfig,
        CircuitBreakerLayer,
    )>();
    is_shared::<(
        CircuitOpen,
        KeyedBreakers,
        KeyedCircuitBreakerLayer<fn(&()) -> String>,
        Rule,
    )>();
    is_shared::<(BudgetHandle, BuildError, ConfigError)>();
    is_shared::<(FailureStatus, FaultError, SharedError, Standing)>();
    is_shared::<(
        Client,
        ClientBuilder,
        CoalesceLayer<ResponseBody>,
        LimitHandle,
        CallContext,
    )>();
    is_shared::<(LoadShedBuilder, LoadShedLayer)>();
    is_shared::<(DeadlineLayer, DeadlinePassed, Fallback, FallbackLayer)>();
    is_shared::<(
        FaultKey,
        FaultLayer,
        FaultSpec,
        Faults,
        HedgeConfig,
        HedgeLayer,
    )>();
    is_shared::<(
        Degradations,
        Ledger,
        LatencyQuantile,
        RateLimited,
        RateLimiter,
    )>();
    is_shared::<(
        ReplayBody,
        ReplayLayer,
        RetryConfig,
        RetryLayer,
        ServerBuilder,
        ServerLayer,
    )>();
    is_shared::<(Settings, SettingsError, Event, Telemetry, Script)>();
    is_shared::<(BodyStalled, IdleTimeoutLayer, TimeoutElapsed, TimeoutLayer)>();
    is_shared::<(
        HttpTransport,
        TransportError,
        Decorrelated,
        Exponential,
        FullJitter,
        Linear,
    )>();
};

/// The services and futures of parts over a service that can be moved and shared.
#[test]
fn services_and_futures_move_between_threads() {
    fn check<S>(service: S)
    where
        S: Service<Request<Bytes>> + Send + Sync,
        S::Future: Send,
    {
        drop(service);
        is_sent::<S::Future>();
    }
    let answer = |_: Request<Bytes>| -> Ready<Result<Response<ResponseBody>, BoxError>> {
        std::future::ready(Ok(Response::new(ResponseBody::empty())))
    };
    let inner = service_fn(answer);
    check(
        CircuitBreakerLayer::builder("a")
            .build()
            .unwrap()
            .layer(inner),
    );
    check(TimeoutLayer::builder("a").build().unwrap().layer(inner));
    check(RetryLayer::builder("a").build().unwrap().layer(inner));
    check(LoadShedLayer::builder("a").build().unwrap().layer(inner));
    check(BulkheadLayer::builder("a").build().unwrap().layer(inner));
    check(FallbackLayer::builder("a").build().unwrap().layer(inner));
    check(BalanceLayer::builder("a").build().unwrap().layer(inner));
    check(FaultLayer::new(None).layer(inner));
    check(DeadlineLayer::builder("a").build().unwrap().layer(inner));
    let typed = CircuitBreakerLayer::builder("a").typed_errors();
    check(typed.build().unwrap().layer(inner));
    let tracking = CircuitBreakerLayer::builder("a").track_bodies();
    check(tracking.build().unwrap().layer(inner));
    let by_path = |request: &Request<Bytes>| request.uri().path().to_owned();
    let keyed = KeyedCircuitBreakerLayer::builder("a", by_path);
    check(keyed.build().unwrap().layer(inner));
    check(HedgeLayer::builder("a").build().unwrap().layer(inner));
    check(
        CoalesceLayer::<ResponseBody>::builder("a")
            .build()
            .layer(inner),
    );
    let limiter = RateLimiter::builder("a").build().unwrap();
    check(RateLimitLayer::new(limiter).layer(inner));
    check(IdleTimeoutLayer::builder("a").build().unwrap().layer(inner));
    check(CollectLayer::default().layer(inner));
    check(FaultLayer::new(Faults::builder("a").build()).layer(inner));
    check(resilience::client("a").build_on(inner).unwrap());
    let replayed = service_fn(|_: Request<ReplayBody>| {
        std::future::ready(Ok::<_, BoxError>(Response::new(ResponseBody::empty())))
    });
    let full = |request: Request<Bytes>| request.map(Full::new);
    check(ReplayLayer::new().layer(replayed).map_request(full));
    let infallible = service_fn(|_: Request<Bytes>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(ResponseBody::empty())))
    });
    let server = resilience::server("a").build().unwrap();
    check(server.layer(infallible));

    let handle = CircuitBreakerLayer::builder("a").build().unwrap().handle();
    let call = handle.call(std::future::ready(Ok::<(), BoxError>(())));
    is_sent_value(&call);
    is_sent_value(&handle.admit().unwrap());
}
