//! The breaker as a service, in paused time. Tests named after a pitfall guard against a
//! defect that another breaker was found with.

mod bodies;
mod callers;
mod clock;

use std::future::Future;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use failsafe::{backoff, failure_policy};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Response, StatusCode};
use tokio::sync::broadcast::Receiver;
use tokio::time::{Instant, advance};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use super::*;
use crate::BoxError;
use crate::classify::Outcome;
use crate::telemetry::{Event, Telemetry, names};

const PAUSE: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(5);
const SLOW: Duration = Duration::from_secs(1);

/// What the dependency does with a call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Does {
    Succeeds,
    AnswersWith(u16),
    Breaks,
    TakesThen(Duration, u16),
    Hangs,
}

/// A dependency that does what the request says, and insists on the contract of tower:
/// the handle that is called is the one that said it was ready.
#[derive(Default)]
struct Dependency {
    calls: Arc<AtomicUsize>,
    readiness_hangs: Arc<AtomicBool>,
    readiness_fails: Arc<AtomicBool>,
    /// How many handles are ready and have not been called.
    reserved: Arc<AtomicUsize>,
    is_ready: bool,
}

impl Clone for Dependency {
    fn clone(&self) -> Self {
        Self {
            calls: Arc::clone(&self.calls),
            readiness_hangs: Arc::clone(&self.readiness_hangs),
            readiness_fails: Arc::clone(&self.readiness_fails),
            reserved: Arc::clone(&self.reserved),
            is_ready: false,
        }
    }
}

impl Drop for Dependency {
    fn drop(&mut self) {
        if self.is_ready {
            self.reserved.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Service<Does> for Dependency {
    type Response = Response<()>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<()>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.readiness_fails.load(Ordering::Relaxed) {
            return Poll::Ready(Err("not able".into()));
        }
        if self.readiness_hangs.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        if !self.is_ready {
            self.is_ready = true;
            self.reserved.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, does: Does) -> Self::Future {
        assert!(self.is_ready, "called without having been ready");
        self.is_ready = false;
        self.reserved.fetch_sub(1, Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Relaxed);
        async move {
            match does {
                Does::Succeeds => Ok(answer(200)),
                Does::AnswersWith(status) => Ok(answer(status)),
                Does::Breaks => Err("connection reset".into()),
                Does::TakesThen(time, status) => {
                    tokio::time::sleep(time).await;
                    Ok(answer(status))
                }
                Does::Hangs => std::future::pending().await,
            }
        }
        .boxed()
    }
}

fn answer(status: u16) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

struct Bench {
    breaker: CircuitBreaker<Dependency>,
    dependency: Dependency,
    telemetry: Telemetry,
    events: Receiver<Event>,
}

/// Opens at half of at least four among ten calls, for two seconds, with two probes.
fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .window(Window::count(10))
        .minimum_calls(4)
        .failure_rate(0.5)
        .backoff(iter::repeat(PAUSE))
        .probes(2)
        .half_open_deadline(DEADLINE)
}

fn bench(config: CircuitBreakerConfig) -> Bench {
    let telemetry = Telemetry::default();
    let events = telemetry.subscribe();
    let layer = CircuitBreakerLayer::builder("metadata")
        .config(config)
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let dependency = Dependency::default();
    Bench {
        breaker: layer.layer(dependency.clone()),
        dependency,
        telemetry,
        events,
    }
}

impl Bench {
    fn call(&self, does: Does) -> BoxFuture<'static, Result<Response<()>, BoxError>> {
        let mut future = self.breaker.clone().oneshot(does).boxed();
        match poll_once(&mut future) {
            Poll::Ready(result) => std::future::ready(result).boxed(),
            Poll::Pending => future,
        }
    }

    async fn calls(&self, does: Does, times: usize) {
        for _ in 0..times {
            let _ = self.call(does).await;
        }
    }

    fn state(&self) -> State {
        self.breaker.handle().state()
    }

    /// Opens the breaker and waits until it may probe.
    async fn until_it_may_probe(&self) {
        self.calls(Does::Breaks, 4).await;
        assert_eq!(self.state(), State::Open);
        advance(PAUSE).await;
    }

    fn rejection(&self) -> CircuitOpen {
        let calls_before = self.dependency.calls.load(Ordering::Relaxed);
        let error = self
            .call(Does::Succeeds)
            .now_or_never()
            .unwrap()
            .unwrap_err();
        assert_eq!(self.dependency.calls.load(Ordering::Relaxed), calls_before);
        *error.downcast::<CircuitOpen>().unwrap()
    }

    fn transitions(&mut self) -> Vec<(State, State, String)> {
        let mut transitions = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            if let Event::BreakerTransition {
                from, to, reason, ..
            } = event
            {
                transitions.push((from, to, reason));
            }
        }
        transitions
    }

    fn counted(&self, outcome: &str) -> u64 {
        let labels = ["metadata", outcome];
        self.telemetry
            .counter(&names::BREAKER_CALLS, &labels)
            .value()
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn opens_rejects_probes_and_closes() {
    let mut bench = bench(config());
    bench.calls(Does::Succeeds, 2).await;
    bench.calls(Does::AnswersWith(503), 1).await;
    assert_eq!(bench.state(), State::Closed);
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);
    bench.rejection();

    advance(PAUSE).await;
    assert_eq!(bench.state(), State::Open);
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::HalfOpen);
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::Closed);

    let expected = [
        (State::Closed, State::Open, "failure-rate".into()),
        (State::Open, State::HalfOpen, "backoff-over".into()),
        (State::HalfOpen, State::Closed, "probes-succeeded".into()),
    ];
    assert_eq!(bench.transitions(), expected);
    assert_eq!(bench.counted("success"), 4);
    assert_eq!(bench.counted("failure"), 2);
    assert_eq!(bench.counted("rejected"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_rejection_says_who_since_when_and_when_it_probes() {
    let bench = bench(config());
    bench.calls(Does::Breaks, 4).await;
    let opened = Instant::now();
    advance(Duration::from_millis(500)).await;
    let rejection = bench.rejection();
    assert_eq!(rejection.name(), "metadata");
    assert_eq!(rejection.since(), opened);
    assert_eq!(rejection.open_for(), Duration::from_millis(500));
    assert_eq!(rejection.probe_at(), Some(opened + PAUSE));
    assert_eq!(
        rejection.to_string(),
        "circuit `metadata` has been open for 500.0ms, next probe in 1.5s"
    );

    advance(PAUSE).await;
    let _probes = (bench.call(Does::Hangs), bench.call(Does::Hangs));
    let rejection = bench.rejection();
    assert!(rejection.is_probing());
    assert_eq!(rejection.since(), opened);
    assert_eq!(
        rejection.to_string(),
        "circuit `metadata` has been open for 2.5s, probes are under way"
    );
}

#[tokio::test(start_paused = true)]
async fn client_errors_are_not_failures() {
    let bench = bench(config());
    bench.calls(Does::AnswersWith(404), 20).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn pitfall_paused_time_does_not_reach_the_window() {
    let bench = bench(config().window(Window::time(Duration::from_secs(10))));
    bench.calls(Does::Breaks, 3).await;
    advance(Duration::from_secs(10)).await;
    bench.calls(Does::Breaks, 3).await;
    assert_eq!(bench.state(), State::Closed);
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn slow_calls_open_even_when_they_succeed() {
    let mut bench = bench(config().slow_calls(SLOW, 0.75));
    let just_fast_enough = SLOW.checked_sub(Duration::from_millis(1)).unwrap();
    bench.calls(Does::TakesThen(just_fast_enough, 200), 1).await;
    bench.calls(Does::TakesThen(SLOW, 200), 2).await;
    assert_eq!(bench.state(), State::Closed);
    bench.calls(Does::TakesThen(SLOW, 200), 1).await;
    assert_eq!(bench.state(), State::Open);
    assert_eq!(bench.transitions()[0].2, "slow-rate");
    assert_eq!(bench.counted("slow"), 3);
}

#[tokio::test(start_paused = true)]
async fn each_failed_probe_waits_longer_and_closing_starts_over() {
    let pauses = [1, 4].map(Duration::from_secs);
    let mut bench = bench(config().backoff(pauses.into_iter()).probes(1));
    bench.calls(Does::Breaks, 4).await;
    for expected in [1, 4, 4, 4].map(Duration::from_secs) {
        assert_eq!(bench.rejection().probe_in(), Some(expected));
        advance(expected).await;
        bench.calls(Does::Breaks, 1).await;
    }
    advance(Duration::from_secs(4)).await;
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(bench.transitions()[2].2, "probes-failed");

    bench.calls(Does::Breaks, 4).await;
    assert_eq!(bench.rejection().probe_in(), Some(Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn closing_forgets_the_failures_that_opened() {
    let bench = bench(config());
    bench.until_it_may_probe().await;
    bench.calls(Does::Succeeds, 2).await;
    bench.calls(Does::Breaks, 3).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn pitfall_an_endless_backoff_panics() {
    let bench = bench(config().backoff(iter::once(Duration::MAX)));
    bench.calls(Does::Breaks, 4).await;
    advance(Duration::from_secs(1_000_000)).await;
    let rejection = bench.rejection();
    assert_eq!(rejection.probe_at(), None);
    assert!(!rejection.is_probing());
    assert!(rejection.to_string().ends_with("no probe is planned"));
}

#[tokio::test(start_paused = true)]
async fn a_failsafe_policy_decides_in_place_of_the_window() {
    let three = || failure_policy::consecutive_failures(3, backoff::constant(PAUSE * 2));
    let mut bench = bench(config().failsafe_policy(three));
    bench.calls(Does::Breaks, 2).await;
    bench.calls(Does::Succeeds, 1).await;
    bench.calls(Does::Breaks, 2).await;
    assert_eq!(bench.state(), State::Closed);
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.rejection().probe_in(), Some(PAUSE * 2));

    advance(PAUSE * 2).await;
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.rejection().probe_in(), Some(PAUSE * 2));
    advance(PAUSE * 2).await;
    bench.calls(Does::Succeeds, 2).await;
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(bench.transitions()[0].2, "policy");
    bench.calls(Does::Breaks, 2).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_the_middleware_itself_rejects_is_neutral() {
    let inner = bench(config());
    inner.calls(Does::Breaks, 4).await;
    let layer = CircuitBreakerLayer::builder("outer")
        .config(config())
        .build()
        .unwrap();
    let outer = layer.layer(inner.breaker.clone());
    for _ in 0..20 {
        outer.clone().oneshot(Does::Succeeds).await.unwrap_err();
    }
    assert_eq!(inner.counted("rejected"), 20);
    assert_eq!(layer.handle().state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_readiness_is_a_failure_of_the_dependency() {
    let bench = bench(config());
    bench
        .dependency
        .readiness_fails
        .store(true, Ordering::Relaxed);
    bench.calls(Does::Succeeds, 4).await;
    assert_eq!(bench.state(), State::Open);
    bench
        .dependency
        .readiness_fails
        .store(false, Ordering::Relaxed);
    advance(PAUSE).await;
    bench.calls(Does::Succeeds, 2).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_and_a_success_starts_over() {
    let mut bench = bench(config().consecutive_failures(3));
    bench.calls(Does::Breaks, 2).await;
    bench.calls(Does::Succeeds, 1).await;
    bench.calls(Does::Breaks, 2).await;
    assert_eq!(bench.state(), State::Closed);
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);
    assert_eq!(bench.transitions()[0].2, "consecutive-failures");
    assert_eq!(bench.breaker.handle().window(), None);

    advance(PAUSE).await;
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);
    advance(PAUSE).await;
    bench.calls(Does::Succeeds, 2).await;
    bench.calls(Does::Breaks, 2).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn either_of_two_rules_opens() {
    let either = || config().opens_by(Rule::rates().or_else(Rule::consecutive_failures(3)));
    let mut in_a_row = bench(either());
    in_a_row.calls(Does::Breaks, 3).await;
    assert_eq!(in_a_row.transitions()[0].2, "consecutive-failures");

    let mut by_rate = bench(either());
    by_rate.calls(Does::Breaks, 2).await;
    by_rate.calls(Does::Succeeds, 1).await;
    by_rate.calls(Does::Breaks, 1).await;
    assert_eq!(by_rate.transitions()[0].2, "failure-rate");

    let two = || failure_policy::consecutive_failures(2, backoff::constant(PAUSE * 3));
    let mut with_failsafe = bench(config().opens_by(Rule::rates().or_else(Rule::failsafe(two))));
    with_failsafe.calls(Does::Breaks, 2).await;
    assert_eq!(with_failsafe.transitions()[0].2, "policy");
    assert_eq!(with_failsafe.rejection().probe_in(), Some(PAUSE * 3));
}

#[tokio::test(start_paused = true)]
async fn an_operator_opens_and_the_error_says_so() {
    let mut bench = bench(config());
    let handle = bench.breaker.handle();
    handle.force_open();
    advance(PAUSE * 100).await;
    let rejection = bench.rejection();
    assert!(rejection.is_forced());
    assert_eq!(
        (rejection.probe_at(), rejection.retry_after()),
        (None, None)
    );
    let message = rejection.to_string();
    assert!(message.ends_with("by an operator"), "{message}");
    assert_eq!(bench.transitions()[0].2, "forced-open");

    handle.automatic();
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::HalfOpen);
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn forced_closed_passes_everything_and_forgets_it_afterwards() {
    let bench = bench(config());
    let handle = bench.breaker.handle();
    bench.calls(Does::Breaks, 4).await;
    handle.force_closed();
    assert_eq!(bench.state(), State::Closed);
    bench.calls(Does::Breaks, 20).await;
    assert_eq!(bench.counted("failure"), 24);
    handle.automatic();
    assert_eq!(handle.window().unwrap().calls, 0);
    bench.calls(Does::Breaks, 3).await;
    assert_eq!(bench.state(), State::Closed);
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn disabled_is_as_if_there_were_no_breaker() {
    let bench = bench(config().slow_calls(SLOW, 0.5));
    bench.breaker.handle().disable();
    bench.calls(Does::Breaks, 20).await;
    drop(bench.call(Does::Hangs));
    let counted = ["success", "failure", "slow", "neutral", "rejected"];
    assert!(counted.iter().all(|outcome| bench.counted(outcome) == 0));
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn metrics_only_tells_and_does_not_reject() {
    let mut bench = bench(config());
    bench.breaker.handle().metrics_only();
    bench.calls(Does::Breaks, 9).await;
    assert_eq!(bench.state(), State::Closed);
    let mut told = Vec::new();
    while let Ok(event) = bench.events.try_recv() {
        if let Event::BreakerWouldOpen { reason, .. } = event {
            told.push(reason);
        }
    }
    assert_eq!(told, ["failure-rate", "failure-rate"]);
    assert_eq!(bench.counted("failure"), 9);
    assert_eq!(bench.counted("rejected"), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_when_an_operator_speaks_count_for_nothing() {
    let bench = bench(config());
    let late: Vec<_> = (0..8)
        .map(|_| bench.call(Does::TakesThen(SLOW, 500)))
        .collect();
    bench.breaker.handle().reset();
    for call in late {
        call.await.unwrap();
    }
    assert_eq!(bench.breaker.handle().window().unwrap().calls, 0);
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn reset_closes_and_forgets() {
    let mut bench = bench(config());
    bench.calls(Does::Breaks, 4).await;
    bench.breaker.handle().reset();
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(bench.transitions()[1].2, "reset");
    bench.calls(Does::Breaks, 3).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_every_state() {
    let bench = bench(config());
    let mut watch = bench.breaker.handle().watch();
    assert_eq!(watch.borrow_and_update().state, State::Closed);
    bench.calls(Does::Breaks, 4).await;
    assert!(watch.has_changed().unwrap());
    let status = *watch.borrow_and_update();
    assert_eq!((status.state, status.mode), (State::Open, Mode::Automatic));
    assert_eq!(status.since, Instant::now());
    bench.breaker.handle().metrics_only();
    let status = bench.breaker.handle().status();
    assert_eq!(
        (status.state, status.mode),
        (State::Closed, Mode::MetricsOnly)
    );
}

#[tokio::test(start_paused = true)]
async fn reconfiguring_keeps_the_state_and_the_window() {
    let bench = bench(config());
    let handle = bench.breaker.handle();
    bench.calls(Does::Succeeds, 3).await;
    bench.calls(Does::Breaks, 2).await;
    handle.reconfigure(&config().failure_rate(0.5)).unwrap();
    let counts = handle.window().unwrap();
    assert_eq!((counts.calls, counts.failures), (5, 2));
    // Half of six: what was counted before still counts.
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);

    handle
        .reconfigure(&config().backoff(iter::repeat(PAUSE * 9)))
        .unwrap();
    assert_eq!(bench.rejection().probe_in(), Some(PAUSE));
    advance(PAUSE).await;
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.rejection().probe_in(), Some(PAUSE * 9));
}

#[tokio::test(start_paused = true)]
async fn a_reconfigured_slow_threshold_reaches_services_that_were_there_before() {
    let bench = bench(config());
    bench.calls(Does::TakesThen(SLOW, 200), 4).await;
    assert_eq!(bench.counted("slow"), 0);
    let with_slow_calls = config().slow_calls(SLOW, 0.5);
    bench
        .breaker
        .handle()
        .reconfigure(&with_slow_calls)
        .unwrap();
    bench.calls(Does::TakesThen(SLOW, 200), 4).await;
    assert_eq!(bench.counted("slow"), 4);
    assert_eq!(bench.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_cannot_be_changes_nothing() {
    let bench = bench(config());
    bench.calls(Does::Breaks, 3).await;
    let error = bench
        .breaker
        .handle()
        .reconfigure(&config().failure_rate(7.0))
        .unwrap_err();
    assert!(error.to_string().contains("failure_rate"), "{error}");
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn reconfiguring_in_half_open_begins_the_probes_anew() {
    let bench = bench(config());
    bench.until_it_may_probe().await;
    let hanging = (bench.call(Does::Hangs), bench.call(Does::Hangs));
    bench.rejection();
    bench.breaker.handle().reconfigure(&config()).unwrap();
    assert_eq!(bench.state(), State::HalfOpen);
    bench.calls(Does::Succeeds, 2).await;
    assert_eq!(bench.state(), State::Closed);
    drop(hanging);
    assert_eq!(bench.breaker.handle().window().unwrap().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn reconfiguring_keeps_failures_in_a_row() {
    let bench = bench(config().consecutive_failures(9));
    bench.calls(Does::Breaks, 4).await;
    let handle = bench.breaker.handle();
    handle
        .reconfigure(&config().consecutive_failures(6))
        .unwrap();
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Closed);
    // There are more of them than it takes now: the next one opens.
    handle
        .reconfigure(&config().consecutive_failures(2))
        .unwrap();
    assert_eq!(bench.state(), State::Closed);
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);

    handle.reset();
    bench.calls(Does::Breaks, 1).await;
    handle
        .reconfigure(&config().consecutive_failures(3))
        .unwrap();
    bench.calls(Does::Succeeds, 1).await;
    bench.calls(Does::Breaks, 2).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn reconfiguring_keeps_a_policy_of_failsafe_where_its_rule_is_a_clone() {
    let three = || failure_policy::consecutive_failures(3, backoff::constant(PAUSE * 2));
    let rule = Rule::failsafe(three);
    let bench = bench(config().opens_by(rule.clone()));
    let handle = bench.breaker.handle();
    bench.calls(Does::Breaks, 2).await;
    handle
        .reconfigure(&config().opens_by(rule.clone()).probes(1))
        .unwrap();
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);

    handle.reset();
    bench.calls(Does::Breaks, 2).await;
    let another = config().opens_by(Rule::failsafe(three));
    handle.reconfigure(&another).unwrap();
    bench.calls(Does::Breaks, 2).await;
    assert_eq!(bench.state(), State::Closed);
    bench.calls(Does::Breaks, 1).await;
    assert_eq!(bench.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn reconfiguring_keeps_the_place_in_the_backoff() {
    let growing = |factor: u32| {
        let pauses = [1, 2, 4, 8].map(|seconds| Duration::from_secs(seconds) * factor);
        config().backoff(pauses.into_iter()).probes(1)
    };
    let bench = bench(growing(1));
    bench.calls(Does::Breaks, 4).await;
    advance(Duration::from_secs(1)).await;
    bench.calls(Does::Breaks, 1).await;
    bench.breaker.handle().reconfigure(&growing(10)).unwrap();
    advance(Duration::from_secs(2)).await;
    bench.calls(Does::Breaks, 1).await;
    let third = Duration::from_secs(40);
    assert_eq!(bench.rejection().probe_in(), Some(third));
}

#[tokio::test(start_paused = true)]
async fn full_jitter_draws_from_the_seed_of_the_builder() {
    let pause = |seed: u64| {
        let jitter = config().full_jitter(PAUSE, PAUSE * 8);
        let layer = CircuitBreakerLayer::builder("metadata")
            .config(jitter)
            .seed(seed)
            .build()
            .unwrap();
        let handle = layer.handle();
        while let Ok(call) = handle.admit() {
            call.end(Outcome::Failure);
        }
        handle.admit().unwrap_err().probe_in().unwrap()
    };
    assert_eq!(pause(7), pause(7));
    assert_ne!(pause(7), pause(8));
    assert!(pause(9) >= PAUSE / 5 && pause(9) <= PAUSE);
}

#[tokio::test(start_paused = true)]
async fn reconfiguring_a_ramp_goes_back_to_its_probes() {
    let ramp = Duration::from_secs(10);
    let bench = bench(config().ramp(ramp));
    bench.until_it_may_probe().await;
    bench.calls(Does::Succeeds, 2).await;
    bench.calls(Does::Succeeds, 1).await;
    assert!(bench.rejection().admitted_share().is_some());
    let handle = bench.breaker.handle();
    assert!(handle.status().admitted_share().is_some());
    handle.reconfigure(&config().ramp(ramp)).unwrap();
    assert_eq!(handle.status().admitted_share(), None);
    let probes = (bench.call(Does::Hangs), bench.call(Does::Hangs));
    assert!(bench.rejection().is_probing());
    drop(probes);
}

/// A call that still knows earlier rules forgets the window that is in force.
#[tokio::test(start_paused = true)]
async fn closing_forgets_the_window_that_was_put_in_force_meanwhile() {
    let bench = bench(config().minimum_calls(5));
    let handle = bench.breaker.handle();
    bench.calls(Does::Breaks, 4).await;
    let old = handle.clone();
    let larger = config().window(Window::count(20)).minimum_calls(5);
    handle.reconfigure(&larger).unwrap();
    assert_eq!(handle.window().unwrap().failures, 4);
    old.with_known_rules(super::breaker::Circuit::reset);
    assert_eq!(handle.window().unwrap().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_ramp_follows_good_probes() {
    let ramp = Duration::from_secs(10);
    let bench = bench(config().ramp(ramp));
    bench.until_it_may_probe().await;
    bench.calls(Does::Succeeds, 2).await;
    assert_eq!(bench.state(), State::HalfOpen);
    bench.calls(Does::Succeeds, 1).await;
    let rejection = bench.rejection();
    assert_eq!(rejection.admitted_share(), Some(0.1));
    let message = rejection.to_string();
    assert!(
        message.ends_with("10 % of the calls pass again"),
        "{message}"
    );
    let share = || bench.breaker.handle().status().admitted_share();
    assert_eq!(share(), Some(0.1));
    advance(ramp / 2).await;
    assert!(share().is_some_and(|share| (share - 0.55).abs() < 1e-9));
    advance(ramp / 2).await;
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(share(), None);
}

#[tokio::test(start_paused = true)]
async fn the_rejection_has_a_retry_after_in_whole_seconds() {
    let bench = bench(config());
    bench.calls(Does::Breaks, 4).await;
    assert_eq!(bench.rejection().retry_after().unwrap(), "2");
    advance(Duration::from_millis(500)).await;
    assert_eq!(bench.rejection().retry_after().unwrap(), "2");
    advance(Duration::from_millis(1_400)).await;
    assert_eq!(bench.rejection().retry_after().unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn code_without_a_service_asks_the_handle() {
    let bench = bench(config());
    let handle = bench.breaker.handle();
    handle.reconfigure(&config().failure_rate(0.6)).unwrap();
    for _ in 0..3 {
        handle.admit().unwrap().end(Outcome::Failure);
    }
    drop(handle.admit().unwrap());
    handle.admit().unwrap().end(Outcome::Failure);
    let rejection = handle.admit().unwrap_err();
    assert_eq!(rejection.name(), "metadata");
    assert_eq!(bench.counted("neutral"), 1);
}

// === Pitfalls ===

#[tokio::test(start_paused = true)]
async fn pitfall_a_stale_result_decides_the_probe() {
    let bench = bench(config());
    let stale_success = bench.call(Does::TakesThen(PAUSE, 200));
    let stale_failures: Vec<_> = (0..8)
        .map(|_| bench.call(Does::TakesThen(PAUSE, 500)))
        .collect();
    bench.until_it_may_probe().await;
    let probe = bench.call(Does::TakesThen(PAUSE, 200));
    assert_eq!(bench.state(), State::HalfOpen);

    stale_success.await.unwrap();
    for failure in stale_failures {
        failure.await.unwrap();
    }
    assert_eq!(bench.state(), State::HalfOpen);

    probe.await.unwrap();
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn pitfall_a_stale_result_from_before_the_outage_counts_after_it() {
    let bench = bench(config());
    let stale: Vec<_> = (0..10)
        .map(|_| bench.call(Does::TakesThen(PAUSE * 2, 500)))
        .collect();
    bench.until_it_may_probe().await;
    bench.calls(Does::Succeeds, 2).await;
    assert_eq!(bench.state(), State::Closed);
    for failure in stale {
        failure.await.unwrap();
    }
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn pitfall_a_half_open_with_hanging_probes_wedges() {
    let mut bench = bench(config());
    bench.until_it_may_probe().await;
    let hanging = (bench.call(Does::Hangs), bench.call(Does::Hangs));
    advance(DEADLINE.checked_sub(Duration::from_millis(1)).unwrap()).await;
    assert!(bench.rejection().is_probing());
    advance(Duration::from_millis(1)).await;
    assert_eq!(bench.rejection().probe_in(), Some(PAUSE));
    assert_eq!(bench.transitions()[2].2, "probes-overdue");

    advance(PAUSE).await;
    bench.calls(Does::Succeeds, 1).await;
    // The hanging probes of the earlier generation hold no place of this one.
    drop(hanging);
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn pitfall_a_cancelled_probe_is_never_given_back() {
    let bench = bench(config());
    bench.until_it_may_probe().await;
    for _ in 0..20 {
        drop((bench.call(Does::Hangs), bench.call(Does::Hangs)));
        assert_eq!(bench.state(), State::HalfOpen);
    }
    assert_eq!(bench.counted("neutral"), 40);
    bench.calls(Does::Succeeds, 2).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn pitfall_a_probe_that_another_part_rejects_is_never_given_back() {
    let layer = CircuitBreakerLayer::builder("metadata")
        .config(config())
        .build()
        .unwrap();
    let inner = bench(config());
    let outer = layer.layer(inner.breaker.clone());
    for _ in 0..4 {
        let _ = outer.clone().oneshot(Does::Breaks).await;
    }
    advance(PAUSE).await;
    // The inner breaker, which opened at the same time, lets both probes pass and the
    // calls of this loop hang in it; what it rejects meanwhile is neutral outside.
    let hanging = [inner.call(Does::Hangs), inner.call(Does::Hangs)];
    for _ in 0..10 {
        outer.clone().oneshot(Does::Succeeds).await.unwrap_err();
        assert_eq!(layer.handle().state(), State::HalfOpen);
    }
    drop(hanging);
    for _ in 0..2 {
        outer.clone().oneshot(Does::Succeeds).await.unwrap();
    }
    assert_eq!(layer.handle().state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn pitfall_half_open_lets_a_stampede_through() {
    let bench = bench(config());
    bench.until_it_may_probe().await;
    let before = bench.dependency.calls.load(Ordering::Relaxed);
    let stampede: Vec<_> = (0..1_000).map(|_| bench.call(Does::Hangs)).collect();
    assert_eq!(bench.dependency.calls.load(Ordering::Relaxed), before + 2);
    drop(stampede);
}

#[tokio::test(start_paused = true)]
async fn pitfall_the_gauge_of_the_old_state_is_never_zeroed() {
    let bench = bench(config());
    let gauges = || {
        State::NAMES.map(|state| {
            let labels = ["metadata", state];
            bench
                .telemetry
                .gauge(&names::BREAKER_STATE, &labels)
                .value()
        })
    };
    assert_eq!(gauges(), [1, 0, 0]);
    bench.calls(Does::Breaks, 4).await;
    assert_eq!(gauges(), [0, 1, 0]);
    advance(PAUSE).await;
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(gauges(), [0, 0, 1]);
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(gauges(), [1, 0, 0]);
    let labels = ["metadata", "open"];
    let opened = bench
        .telemetry
        .counter(&names::BREAKER_TRANSITIONS, &labels);
    assert_eq!(opened.value(), 1);
}

/// [`Dependency`] panics when a handle is called that did not say it was ready.
#[tokio::test(start_paused = true)]
async fn pitfall_readiness_is_lost_on_clone() {
    let bench = bench(config());
    let mut breaker = bench.breaker.clone();
    breaker.ready().await.unwrap();
    let mut clone = breaker.clone();
    clone.call(Does::Succeeds).await.unwrap();
    breaker.call(Does::Succeeds).await.unwrap();
    breaker.call(Does::Succeeds).await.unwrap();
    assert_eq!(bench.counted("success"), 3);
}

#[tokio::test(start_paused = true)]
async fn pitfall_hung_readiness_blocks_the_rejection() {
    let bench = bench(config());
    bench.calls(Does::Breaks, 4).await;
    bench
        .dependency
        .readiness_hangs
        .store(true, Ordering::Relaxed);
    bench.rejection();
}

#[tokio::test(start_paused = true)]
async fn pitfall_callers_wait_in_front_of_a_closed_breaker_with_hung_readiness() {
    let bench = bench(config().slow_calls(SLOW, 0.5));
    bench
        .dependency
        .readiness_hangs
        .store(true, Ordering::Relaxed);
    let waiting: Vec<_> = (0..4).map(|_| bench.call(Does::Succeeds)).collect();
    advance(SLOW).await;
    drop(waiting);
    assert_eq!(bench.state(), State::Open);
    bench.rejection();
}

#[tokio::test(start_paused = true)]
async fn pitfall_a_rejected_call_keeps_what_readiness_reserved() {
    let bench = bench(config());
    let mut ready = bench.breaker.clone();
    ready.ready().await.unwrap();
    assert_eq!(bench.dependency.reserved.load(Ordering::Relaxed), 1);
    bench.calls(Does::Breaks, 4).await;
    ready.call(Does::Succeeds).await.unwrap_err();
    assert_eq!(bench.dependency.reserved.load(Ordering::Relaxed), 0);
}

/// tower#43: an error of `poll_ready` is final, so an open circuit must not be one.
#[tokio::test(start_paused = true)]
async fn pitfall_an_open_circuit_is_an_error_of_readiness() {
    let bench = bench(config());
    bench.calls(Does::Breaks, 4).await;
    let mut breaker = bench.breaker.clone();
    breaker.ready().await.unwrap();
    let error = breaker.call(Does::Succeeds).await.unwrap_err();
    assert!(error.is::<CircuitOpen>());
    advance(PAUSE).await;
    breaker.ready().await.unwrap();
    breaker.call(Does::Succeeds).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pitfall_values_of_success_cannot_be_classified() {
    let layer = CircuitBreakerLayer::builder("metadata")
        .config(config())
        .classify(|result: Result<&Response<()>, &BoxError>| match result {
            Ok(answer) if answer.status() == StatusCode::NO_CONTENT => Outcome::Failure,
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Neutral,
        })
        .build()
        .unwrap();
    let dependency = Dependency::default();
    for _ in 0..4 {
        let call = layer.layer(dependency.clone());
        call.oneshot(Does::AnswersWith(204)).await.unwrap();
    }
    assert_eq!(layer.handle().state(), State::Open);
}

/// A policy of failsafe sees no latency: a slow call is a failure for it.
#[tokio::test(start_paused = true)]
async fn pitfall_policies_see_no_latency() {
    let three = || failure_policy::consecutive_failures(3, backoff::constant(PAUSE));
    let slow = config().slow_calls(SLOW, 0.5).failsafe_policy(three);
    let bench = bench(slow);
    bench.calls(Does::TakesThen(SLOW, 200), 3).await;
    assert_eq!(bench.state(), State::Open);
}

/// In half-open a single success closes nothing where more are asked for, and a result of before
/// is none.
#[tokio::test(start_paused = true)]
async fn pitfall_any_success_closes_half_open() {
    let bench = bench(config());
    bench.until_it_may_probe().await;
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::HalfOpen);
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_reserves_nothing_in_passing() {
    let bench = bench(config());
    bench.calls(Does::Breaks, 4).await;
    let mut ready = bench.breaker.clone();
    ready.ready().await.unwrap();
    assert_eq!(bench.dependency.reserved.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_neutral_before_the_slow_threshold_and_slow_after_it() {
    let bench = bench(config().slow_calls(SLOW, 0.5));
    let impatient: Vec<_> = (0..20).map(|_| bench.call(Does::Hangs)).collect();
    advance(SLOW.checked_sub(Duration::from_millis(1)).unwrap()).await;
    drop(impatient);
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(bench.counted("neutral"), 20);

    let patient: Vec<_> = (0..4).map(|_| bench.call(Does::Hangs)).collect();
    advance(SLOW).await;
    drop(patient);
    assert_eq!(bench.state(), State::Open);
    assert_eq!(bench.counted("slow"), 4);
}

#[tokio::test(start_paused = true)]
async fn a_probe_cancelled_after_the_slow_threshold_is_a_slow_probe() {
    let mut bench = bench(config().slow_calls(SLOW, 1.0));
    bench.until_it_may_probe().await;
    let probes = (bench.call(Does::Hangs), bench.call(Does::Hangs));
    advance(SLOW).await;
    drop(probes);
    assert_eq!(bench.state(), State::Open);
    assert_eq!(bench.transitions()[2].2, "probes-failed");
}

#[test]
fn every_public_type_goes_to_other_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    fn is_send<T: Send>() {}
    is_send_and_sync::<CircuitBreaker<Dependency>>();
    is_send_and_sync::<CircuitBreakerLayer>();
    is_send_and_sync::<BreakerHandle>();
    is_send_and_sync::<CircuitOpen>();
    is_send::<CircuitBreakerConfig>();
    is_send::<ResponseFuture<Dependency, Does, crate::classify::HttpClassify>>();
}
