//! Failures inside the body of an answer.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use tower::service_fn;
use tower_http::classify::GrpcErrorsAsFailures;

use super::*;
use crate::classify::{Classify, GrpcClassify, HttpClassify};

/// What comes after the head of the answer.
#[derive(Debug, Clone, Copy)]
enum Then {
    Data,
    Reset,
    Stall,
    Trailer(&'static str),
}

type Frames = Vec<Result<Frame<Bytes>, BoxError>>;

fn body(then: Then) -> impl Body<Data = Bytes, Error = BoxError> {
    let data = || Ok(Frame::data(Bytes::from_static(b"part")));
    let frames: Frames = match then {
        Then::Data | Then::Stall => vec![data(), data()],
        Then::Reset => vec![data(), Err("connection reset".into())],
        Then::Trailer(status) => {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", status.parse().unwrap());
            vec![data(), Ok(Frame::trailers(trailers))]
        }
    };
    let stalls = matches!(then, Then::Stall);
    let rest = stream::poll_fn(move |_| {
        if stalls {
            return Poll::Pending;
        }
        Poll::Ready(None)
    });
    let frames = futures_util::StreamExt::chain(stream::iter(frames), rest);
    StreamBody::new(Box::pin(frames))
}

/// The states and counts after these answers were read one after the other, each for as long as
/// `patience` allows.
async fn state_after(
    thens: &[Then],
    config: CircuitBreakerConfig,
    patience: Duration,
) -> (State, WindowCounts) {
    let layer = CircuitBreakerLayer::builder("video")
        .config(config)
        .classify(GrpcClassify::default())
        .track_bodies()
        .build()
        .unwrap();
    let dependency = service_fn(async |then: Then| Ok::<_, Infallible>(Response::new(body(then))));
    for then in thens {
        let response = layer.layer(dependency).oneshot(*then).await.unwrap();
        let reading = response.into_body().collect();
        let _ = tokio::time::timeout(patience, reading).await;
    }
    (layer.handle().state(), layer.handle().window().unwrap())
}

#[tokio::test(start_paused = true)]
async fn pitfall_a_body_that_breaks_off_is_no_failure() {
    let thens = [Then::Data, Then::Reset, Then::Data];
    let (state, counts) = state_after(&thens, config(), SLOW).await;
    assert_eq!((counts.calls, counts.failures), (3, 1));
    assert_eq!(state, State::Closed);
    let (state, _) = state_after(&[Then::Reset; 4], config(), SLOW).await;
    assert_eq!(state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn pitfall_a_body_that_stalls_is_no_failure() {
    let stall = Duration::from_secs(20);
    let just_before = stall.checked_sub(Duration::from_millis(1)).unwrap();
    let impatient = state_after(&[Then::Stall; 4], config(), just_before).await;
    assert_eq!((impatient.0, impatient.1.calls), (State::Closed, 0));
    let (state, _) = state_after(&[Then::Stall; 4], config(), stall).await;
    assert_eq!(state, State::Open);

    let sooner = config().stalled_after(SLOW);
    let (state, _) = state_after(&[Then::Stall; 4], sooner, SLOW).await;
    assert_eq!(state, State::Open);
    let never = config().stalled_after(None);
    let (state, _) = state_after(&[Then::Stall; 4], never, stall * 100).await;
    assert_eq!(state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_gives_up_after_the_slow_threshold_makes_a_slow_call() {
    let slow = config().slow_calls(SLOW, 0.5);
    let (state, counts) = state_after(&[Then::Stall; 3], slow.clone(), SLOW).await;
    assert_eq!((state, counts.slow), (State::Closed, 3));
    let (state, _) = state_after(&[Then::Stall; 4], slow, SLOW).await;
    assert_eq!(state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_blamed_on_the_dependency() {
    let layer = CircuitBreakerLayer::builder("video")
        .config(config())
        .track_bodies()
        .build()
        .unwrap();
    let dependency = service_fn(async |()| Ok::<_, Infallible>(Response::new(body(Then::Data))));
    for _ in 0..4 {
        let response = layer.layer(dependency).oneshot(()).await.unwrap();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.unwrap();
            advance(Duration::from_secs(60)).await;
        }
    }
    let counts = layer.handle().window().unwrap();
    assert_eq!((counts.calls, counts.failures), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_status_of_grpc_in_the_trailers_counts() {
    let thens = ["0", "5", "14", "13"].map(Then::Trailer);
    let (_, counts) = state_after(&thens[..3], config(), SLOW).await;
    assert_eq!((counts.calls, counts.failures), (3, 1));
    let (state, _) = state_after(&thens, config(), SLOW).await;
    assert_eq!(state, State::Open);
}

/// How many of these ends count as failures under a classifier.
async fn failures<C>(classify: C, thens: &[Then]) -> u32
where
    C: Classify<Response<TestBody>, BoxError> + Clone,
{
    let layer = CircuitBreakerLayer::builder("video")
        .config(config().minimum_calls(10))
        .classify(classify)
        .track_bodies()
        .build()
        .unwrap();
    for then in thens {
        let dependency = service_fn(async |then: Then| {
            Ok::<_, Infallible>(Response::new(UnsyncBoxBody::new(body(then))))
        });
        let response = layer.layer(dependency).oneshot(*then).await.unwrap();
        let _ = response.into_body().collect().await;
    }
    layer.handle().window().unwrap().failures
}

type TestBody = UnsyncBoxBody<Bytes, BoxError>;

#[tokio::test(start_paused = true)]
async fn trailers_are_judged_by_the_classifier_alone() {
    let thens = ["0", "5", "14"].map(Then::Trailer);
    let all = GrpcClassify::new(GrpcErrorsAsFailures::new());
    assert_eq!(failures(all, &thens).await, 2);
    assert_eq!(failures(GrpcClassify::default(), &thens).await, 1);
    assert_eq!(failures(HttpClassify::server_errors(), &thens).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_closes_although_its_probes_are_streams_without_an_end() {
    let layer = CircuitBreakerLayer::builder("events")
        .config(config())
        .track_bodies()
        .build()
        .unwrap();
    let dependency = service_fn(async |is_well: bool| {
        if !is_well {
            return Err(BoxError::from("connection reset"));
        }
        let ticks = stream::unfold((), async |()| {
            tokio::time::sleep(SLOW).await;
            let frame = Frame::data(Bytes::from_static(b"tick"));
            Some((Ok::<_, BoxError>(frame), ()))
        });
        Ok(Response::new(StreamBody::new(Box::pin(ticks))))
    });
    for _ in 0..4 {
        let _ = layer.layer(dependency).oneshot(false).await;
    }
    advance(PAUSE).await;
    let mut readers = Vec::new();
    for _ in 0..2 {
        let mut body = layer
            .layer(dependency)
            .oneshot(true)
            .await
            .unwrap()
            .into_body();
        readers.push(tokio::spawn(async move {
            while body.frame().await.is_some() {}
        }));
    }
    let almost = DEADLINE.checked_sub(SLOW / 2).unwrap();
    tokio::time::sleep(almost).await;
    assert_eq!(layer.handle().state(), State::HalfOpen);
    assert!(layer.layer(dependency).oneshot(true).await.is_err());
    tokio::time::sleep(SLOW).await;
    assert_eq!(layer.handle().state(), State::Closed);
    for reader in readers {
        reader.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn probes_whose_bodies_stand_still_are_overdue() {
    let layer = CircuitBreakerLayer::builder("events")
        .config(config())
        .track_bodies()
        .build()
        .unwrap();
    let dependency = service_fn(async |then: Then| Ok::<_, Infallible>(Response::new(body(then))));
    for _ in 0..4 {
        let response = layer.layer(dependency).oneshot(Then::Reset).await.unwrap();
        let _ = response.into_body().collect().await;
    }
    advance(PAUSE).await;
    let mut standing = Vec::new();
    for _ in 0..2 {
        let response = layer.layer(dependency).oneshot(Then::Stall).await.unwrap();
        standing.push(tokio::spawn(response.into_body().collect()));
    }
    tokio::time::sleep(DEADLINE).await;
    assert!(layer.layer(dependency).oneshot(Then::Data).await.is_err());
    assert_eq!(layer.handle().state(), State::Open);
    for reader in standing {
        reader.abort();
    }
}
