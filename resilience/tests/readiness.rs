//! What every part does with the readiness of the service inside: the pitfalls of Tower
//! middleware, for each part that can stand alone. Each is named after its pitfall.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use resilience::BoxError;
use resilience::balance::{BalanceLayer, Endpoints};
use resilience::body::{CollectLayer, ResponseBody};
use resilience::bulkhead::{BulkheadConfig, BulkheadFull, BulkheadLayer};
use resilience::circuit_breaker::keyed::KeyedCircuitBreakerLayer;
use resilience::circuit_breaker::{CircuitBreakerLayer, CircuitOpen};
use resilience::coalesce::CoalesceLayer;
use resilience::deadline::{Deadline, DeadlineLayer, DeadlinePassed};
use resilience::fallback::FallbackLayer;
use resilience::fault::{FaultKind, FaultLayer, FaultSpec, Faults};
use resilience::hedge::{HedgeConfig, HedgeLayer};
use resilience::load_shed::LoadShedLayer;
use resilience::rate_limit::{RateLimitLayer, RateLimited, RateLimiter};
use resilience::retry::{ReplayLayer, RetryLayer};
use resilience::timeout::{IdleTimeoutLayer, TimeoutElapsed, TimeoutLayer};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

const SECOND: Duration = Duration::from_secs(1);

/// How the readiness of a dependency is.
#[derive(Debug, Default)]
struct Condition {
    hangs: AtomicBool,
    breaks: AtomicBool,
}

/// Answers at once, and insists on the contract of tower: who is called is the one that said it
/// was ready, and whose readiness has failed is never asked again.
#[derive(Debug, Default)]
struct Strict {
    condition: Arc<Condition>,
    is_ready: bool,
    is_broken: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self {
            condition: Arc::clone(&self.condition),
            is_ready: false,
            is_broken: false,
        }
    }
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = Ready<Result<Response<ResponseBody>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        assert!(!self.is_broken, "asked again after an error of readiness");
        if self.condition.breaks.load(Ordering::Relaxed) {
            self.is_broken = true;
            return Poll::Ready(Err("not able".into()));
        }
        if self.condition.hangs.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(self.is_ready, "called without having been ready");
        self.is_ready = false;
        ready(Ok(Response::new(ResponseBody::empty())))
    }
}

fn hung() -> Strict {
    let strict = Strict::default();
    strict.condition.hangs.store(true, Ordering::Relaxed);
    strict
}

fn get() -> Request<Bytes> {
    Request::get("/titles/7").body(Bytes::new()).unwrap()
}

fn key(request: &Request<Bytes>) -> String {
    request.uri().path().to_owned()
}

fn bulkhead(maximum_in_flight: usize) -> BulkheadLayer {
    let config = BulkheadConfig::new()
        .maximum_in_flight(maximum_in_flight)
        .queue(0, SECOND);
    BulkheadLayer::builder("a").config(config).build().unwrap()
}

fn balance() -> BalanceLayer {
    let endpoints: Endpoints = "http://r0:80".parse().unwrap();
    BalanceLayer::builder("a")
        .endpoints(endpoints)
        .build()
        .unwrap()
}

fn hedge() -> HedgeLayer {
    let config = HedgeConfig::after(SECOND);
    HedgeLayer::builder("a").config(config).build().unwrap()
}

fn rate_limit(requests: u32) -> RateLimitLayer {
    let limiter = RateLimiter::builder("a").quota(requests, SECOND);
    RateLimitLayer::new(limiter.build().unwrap())
}

fn faults(fault: Option<FaultKind>) -> Faults {
    let faults = Faults::builder("a").build();
    if let Some(fault) = fault {
        faults.inject(FaultSpec::new(fault, SECOND)).unwrap();
    }
    faults
}

/// Runs `check` with every part that stands around a service of requests with bytes.
macro_rules! with_every_part {
    ($check:ident, $inner:expr $(, $more:expr)?) => {{
        let inner = $inner;
        let part = CircuitBreakerLayer::builder("a").build().unwrap().layer(inner());
        $check("breaker", part $(, $more)?).await;
        let part = KeyedCircuitBreakerLayer::builder("a", key).build().unwrap().layer(inner());
        $check("keyed breaker", part $(, $more)?).await;
        let part = TimeoutLayer::builder("a").build().unwrap().layer(inner());
        $check("timeout", part $(, $more)?).await;
        let part = IdleTimeoutLayer::builder("a").build().unwrap().layer(inner());
        $check("idle timeout", part $(, $more)?).await;
        let part = DeadlineLayer::builder("a").limit(SECOND).build().unwrap().layer(inner());
        $check("deadline", part $(, $more)?).await;
        let part = RetryLayer::builder("a").build().unwrap().layer(inner());
        $check("retry", part $(, $more)?).await;
        let layer = ReplayLayer::new().layer(inner());
        let part = layer.map_request(|request: Request<Bytes>| request.map(Full::new));
        $check("replay", part $(, $more)?).await;
        let part = hedge().layer(inner());
        $check("hedge", part $(, $more)?).await;
        let part = bulkhead(8).layer(inner());
        $check("bulkhead", part $(, $more)?).await;
        let part = LoadShedLayer::builder("a").build().unwrap().layer(inner());
        $check("load shedding", part $(, $more)?).await;
        let part = balance().layer(inner());
        $check("balance", part $(, $more)?).await;
        let part = FallbackLayer::builder("a").build().unwrap().layer(inner());
        $check("fallback", part $(, $more)?).await;
        let part = CoalesceLayer::<ResponseBody>::builder("a").build().layer(inner());
        $check("coalesce", part $(, $more)?).await;
        let part = rate_limit(100).layer(inner());
        $check("rate limit", part $(, $more)?).await;
        let part = FaultLayer::new(None).layer(inner());
        $check("no faults", part $(, $more)?).await;
        let part = FaultLayer::new(faults(None)).layer(inner());
        $check("faults", part $(, $more)?).await;
        let part = CollectLayer::default().layer(inner());
        $check("collect", part $(, $more)?).await;
    }};
}

/// tower#548, tower-http#561: the clone of a ready service is not ready.
#[tokio::test(start_paused = true)]
async fn pitfall_readiness_is_lost_on_clone() {
    async fn check<S>(part: &str, mut service: S)
    where
        S: Service<Request<Bytes>> + Clone,
    {
        assert!(service.ready().await.is_ok(), "{part}");
        let mut clone = service.clone();
        assert!(clone.ready().await.is_ok(), "{part}");
        assert!(clone.call(get()).await.is_ok(), "{part}");
        assert!(service.call(get()).await.is_ok(), "{part}");
        assert!(service.oneshot(get()).await.is_ok(), "{part}");
    }
    with_every_part!(check, Strict::default);
}

/// tower#43: a handle whose readiness has failed is of no use any more, and its clones are. A
/// part that is always ready must give the broken handle up by itself.
#[tokio::test(start_paused = true)]
async fn pitfall_an_error_of_readiness_is_final() {
    async fn check<S>(part: &str, mut service: S, condition: &Condition)
    where
        S: Service<Request<Bytes>> + Clone,
    {
        condition.breaks.store(true, Ordering::Relaxed);
        match service.ready().await {
            Ok(ready) => assert!(ready.call(get()).await.is_err(), "{part} answers"),
            Err(_) => service = service.clone(),
        }
        condition.breaks.store(false, Ordering::Relaxed);
        assert!(service.ready().await.is_ok(), "{part} is never ready again");
        assert!(service.call(get()).await.is_ok(), "{part} stays broken");
    }
    let inner = Strict::default();
    let condition = Arc::clone(&inner.condition);
    with_every_part!(check, || inner.clone(), &condition);
}

/// Whoever refuses must not wait for the service inside first: it may be the reason to refuse.
#[tokio::test(start_paused = true)]
async fn pitfall_hung_readiness_blocks_the_rejection() {
    async fn error<S>(mut service: S, request: Request<Bytes>) -> (BoxError, Duration)
    where
        S: Service<Request<Bytes>, Error = BoxError>,
    {
        let begun = Instant::now();
        let ready = service.ready().now_or_never().expect("it is always ready");
        let result = ready.unwrap().call(request).await;
        let Err(error) = result else {
            panic!("a service that never gets ready has answered")
        };
        (error, begun.elapsed())
    }

    let breaker = CircuitBreakerLayer::builder("a").build().unwrap();
    breaker.handle().force_open();
    let (open, after) = error(breaker.layer(hung()), get()).await;
    assert!(open.is::<CircuitOpen>());
    assert_eq!(after, Duration::ZERO);

    let keyed = KeyedCircuitBreakerLayer::builder("a", key).build().unwrap();
    let _ = keyed.layer(Strict::default()).oneshot(get()).await;
    keyed.handle("/titles/7").unwrap().force_open();
    let (open, after) = error(keyed.layer(hung()), get()).await;
    assert!(open.is::<CircuitOpen>());
    assert_eq!(after, Duration::ZERO);

    let bulkhead = bulkhead(1);
    let waiting = tokio::spawn(bulkhead.layer(hung()).oneshot(get()));
    tokio::task::yield_now().await;
    let (full, after) = error(bulkhead.layer(hung()), get()).await;
    assert!(full.is::<BulkheadFull>());
    assert_eq!(after, Duration::ZERO);
    waiting.abort();

    let limit = rate_limit(1);
    limit.layer(Strict::default()).oneshot(get()).await.unwrap();
    let (limited, after) = error(limit.layer(hung()), get()).await;
    assert!(limited.is::<RateLimited>());
    assert_eq!(after, Duration::ZERO);

    let timeout = TimeoutLayer::builder("a").timeout(SECOND).build().unwrap();
    let (elapsed, after) = error(timeout.layer(hung()), get()).await;
    assert!(elapsed.is::<TimeoutElapsed>());
    assert_eq!(after, SECOND);

    let deadline = DeadlineLayer::builder("a").limit(SECOND).build().unwrap();
    for method in [Method::GET, Method::PUT] {
        let mut request = get();
        *request.method_mut() = method;
        let (passed, after) = error(deadline.layer(hung()), request).await;
        assert!(passed.is::<DeadlinePassed>());
        assert_eq!(after, SECOND);
    }
    let mut late = get();
    late.extensions_mut().insert(Deadline(Instant::now()));
    let (passed, after) = error(deadline.layer(hung()), late).await;
    assert!(
        passed
            .downcast_ref::<DeadlinePassed>()
            .is_some_and(|it| !it.began())
    );
    assert_eq!(after, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn pitfall_hung_readiness_keeps_a_fault_from_its_request() {
    let faults = faults(Some(FaultKind::Status { status: 503 }));
    let mut service = FaultLayer::new(faults).layer(hung());
    let ready = ServiceExt::<Request<Bytes>>::ready(&mut service);
    let ready = ready.now_or_never().expect("it is always ready").unwrap();
    let answer = ready.call(get()).now_or_never().unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// Load shedding refuses with an answer, so it is not among those above.
#[tokio::test(start_paused = true)]
async fn pitfall_hung_readiness_blocks_the_shedding() {
    let layer = LoadShedLayer::builder("a")
        .max_in_flight(1)
        .queue(0, SECOND)
        .build()
        .unwrap();
    let waiting = tokio::spawn(layer.layer(hung()).oneshot(get()));
    tokio::task::yield_now().await;
    let mut service = layer.layer(hung());
    let ready = ServiceExt::<Request<Bytes>>::ready(&mut service);
    let ready = ready.now_or_never().expect("it is always ready").unwrap();
    let answer = ready.call(get()).now_or_never().unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    waiting.abort();
}

/// The server refuses before it asks the handler, too.
#[tokio::test(start_paused = true)]
async fn pitfall_hung_readiness_of_a_handler_blocks_the_server() {
    #[derive(Clone)]
    struct Hung;
    impl Service<Request<Full<Bytes>>> for Hung {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
            ready(Ok(Response::default()))
        }
    }
    let server = resilience::server("a")
        .default_deadline(SECOND)
        .build()
        .unwrap();
    let begun = Instant::now();
    let request = Request::get("/").body(Full::default()).unwrap();
    let answer = server.layer(Hung).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(begun.elapsed(), SECOND);
    answer.into_body().collect().await.unwrap();
}
