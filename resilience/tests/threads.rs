//! What services are made of can be shared between threads, and what calls are made of can move
//! between them: checked when this compiles.

use std::future::Ready;

use bytes::Bytes;
use http::{Request, Response};
use resilience::admin::Admin;
use resilience::backoff::{Decorrelated, Exponential, FullJitter, Linear};
use resilience::balance::{
    BalanceConfig, BalanceHandle, BalanceLayer, Dns, EndpointSource, Endpoints,
};
use resilience::body::{CollectLayer, ResponseBody};
use resilience::bulkhead::{BulkheadConfig, BulkheadFull, BulkheadLayer};
use resilience::circuit_breaker::keyed::KeyedCircuitBreakerLayer;
use resilience::circuit_breaker::{
    BreakerError, BreakerHandle, BreakerStatus, CircuitBreakerConfig, CircuitBreakerLayer,
    CircuitOpen, Rule,
};
use resilience::coalesce::CoalesceLayer;
use resilience::concurrency::LimitHandle;
use resilience::context::CallContext;
use resilience::deadline::{DeadlineLayer, DeadlinePassed};
use resilience::fallback::{Fallback, FallbackLayer};
use resilience::fault::signed::FaultKey;
use resilience::fault::{FaultLayer, FaultSpec, Faults};
use resilience::hedge::{HedgeConfig, HedgeLayer};
use resilience::ledger::{Degradations, Ledger};
use resilience::quantile::LatencyQuantile;
use resilience::rate_limit::{RateLimited, RateLimiter};
use resilience::retry::{ReplayBody, ReplayLayer, RetryConfig, RetryLayer};
use resilience::server::{ServerBuilder, ServerLayer};
use resilience::settings::{Settings, SettingsError};
use resilience::telemetry::{Event, Telemetry};
use resilience::testing::Script;
use resilience::timeout::{BodyStalled, IdleTimeoutLayer, TimeoutElapsed, TimeoutLayer};
use resilience::transport::{HttpTransport, TransportError};
use resilience::{BoxError, Client, ClientBuilder};
use tower::{Layer, Service, service_fn};

const fn is_shared<T: Send + Sync>() {}
const fn is_sent<T: Send>() {}

const _: () = {
    is_shared::<(
        Admin,
        BalanceConfig,
        BalanceHandle,
        BalanceLayer,
        Dns,
        EndpointSource,
        Endpoints,
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
        KeyedCircuitBreakerLayer<fn(&()) -> String>,
        Rule,
    )>();
    is_shared::<(
        Client,
        ClientBuilder,
        CoalesceLayer<ResponseBody>,
        LimitHandle,
        CallContext,
    )>();
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
    check(BulkheadLayer::builder("a").build().unwrap().layer(inner));
    check(FallbackLayer::builder("a").build().unwrap().layer(inner));
    check(BalanceLayer::builder("a").build().unwrap().layer(inner));
    check(FaultLayer::new(None).layer(inner));
    check(DeadlineLayer::builder("a").build().layer(inner));
}
