//! What callers get who are not boxed: typed errors, and futures that are no services.

use std::future::{pending, ready};
use std::io;

use super::*;
use crate::rejection;

fn breaker(name: &str) -> CircuitBreakerBuilder<ErrorsAreFailures> {
    CircuitBreakerLayer::builder(name)
        .config(config())
        .classify(ErrorsAreFailures)
}

fn refused() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionRefused)
}

#[tokio::test(start_paused = true)]
async fn typed_errors_keep_the_error_of_the_service_and_tell_rejections_apart() {
    let layer = breaker("disk").typed_errors().build().unwrap();
    let service = layer.layer(tower::service_fn(async |(): ()| Err::<(), _>(refused())));
    for _ in 0..4 {
        let error = service.clone().oneshot(()).await.unwrap_err();
        let BreakerError::Failed(error) = error else {
            panic!("nothing was open yet");
        };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
    let error = service.oneshot(()).await.unwrap_err();
    assert!(rejection::is_rejection(&error));
    let BreakerError::Open(open) = error else {
        panic!("four of four calls failed");
    };
    assert_eq!((open.name(), open.probe_in()), ("disk", Some(PAUSE)));
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_no_service_runs_behind_the_breaker() {
    let handle = breaker("disk").build().unwrap().handle();
    assert_eq!(handle.call(ready(Ok::<_, io::Error>(7))).await.unwrap(), 7);
    for _ in 0..3 {
        let error = handle.call(ready(Err::<u8, _>(refused()))).await;
        assert!(matches!(error, Err(BreakerError::Failed(_))));
    }
    assert_eq!(handle.state(), State::Open);

    let never = std::future::poll_fn(|_| -> Poll<Result<u8, io::Error>> {
        unreachable!("the circuit is open")
    });
    assert!(matches!(
        handle.call(never).await,
        Err(BreakerError::Open(_))
    ));

    advance(PAUSE).await;
    for _ in 0..2 {
        handle.call(ready(Ok::<_, io::Error>(7))).await.unwrap();
    }
    assert_eq!(handle.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_given_up_gives_its_probe_back() {
    let layer = breaker("disk").config(config().probes(1)).build().unwrap();
    let handle = layer.handle();
    for _ in 0..4 {
        let _ = handle.call(ready(Err::<u8, _>(refused()))).await;
    }
    advance(PAUSE).await;
    let mut given_up = Box::pin(handle.call(pending::<Result<u8, io::Error>>()));
    assert!(poll_once(&mut given_up).is_pending());
    assert_eq!(handle.state(), State::HalfOpen);
    drop(given_up);
    handle.call(ready(Ok::<_, io::Error>(7))).await.unwrap();
    assert_eq!(handle.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn whoever_calls_says_what_is_a_failure() {
    let handle = breaker("disk").build().unwrap().handle();
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    for _ in 0..8 {
        let classify = |result: Result<&u8, &io::Error>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Outcome::Failure,
            _ => Outcome::Success,
        };
        let _ = handle.call_with(classify, ready(Err(missing()))).await;
    }
    assert_eq!(handle.state(), State::Closed);
}
