//! Calling a service again and again as a task of tokio would.

use std::future::{Future, poll_fn};
use std::hint::black_box;

use tokio::runtime::{Builder, Runtime};
use tokio::task::unconstrained;
use tower_service::Service;

use crate::contender::{Instance, Worker};

/// What every call of a contender must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Success,
    Rejection,
}

/// An instance that calls clones of `service` with what `request` makes.
pub fn instance<S, R>(service: S, expected: Expected, request: fn() -> R) -> Instance
where
    S: Service<R> + Clone + Sync + 'static,
    R: 'static,
{
    Box::new(move || self::service(service.clone(), expected, request))
}

/// Calls `service` with what `request` makes.
pub fn service<S, R>(mut service: S, expected: Expected, request: fn() -> R) -> Worker
where
    S: Service<R> + 'static,
    R: 'static,
{
    let runtime = runtime();
    Box::new(move |calls| {
        let as_expected = runtime.block_on(unconstrained(async {
            let mut as_expected = 0;
            for _ in 0..calls {
                let is_ready = poll_fn(|context| service.poll_ready(context)).await.is_ok();
                let answer = service.call(black_box(request())).await;
                let is_success = black_box(&answer).is_ok() && is_ready;
                as_expected += u64::from(is_success == (expected == Expected::Success));
            }
            as_expected
        }));
        check(as_expected, calls);
    })
}

/// Awaits what `call` makes.
pub fn future<F, T, E>(expected: Expected, call: impl Fn() -> F + 'static) -> Worker
where
    F: Future<Output = Result<T, E>>,
{
    let runtime = runtime();
    Box::new(move |calls| {
        let as_expected = runtime.block_on(unconstrained(async {
            let mut as_expected = 0;
            for _ in 0..calls {
                let answer = call().await;
                let is_success = black_box(&answer).is_ok();
                as_expected += u64::from(is_success == (expected == Expected::Success));
            }
            as_expected
        }));
        check(as_expected, calls);
    })
}

/// A figure of the wrong state would be worse than none.
fn check(as_expected: u64, calls: u64) {
    assert_eq!(
        as_expected, calls,
        "the contender is not in the state that is measured"
    );
}

/// Once, whatever comes of it.
pub fn once<F: Future>(call: impl FnOnce() -> F) {
    runtime().block_on(async {
        call().await;
    });
}

/// A runtime of one thread with a clock.
fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime of one thread needs nothing that could be missing")
}
