//! Failures inside the body of an answer.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use tower::service_fn;

use super::*;

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

async fn state_after(thens: &[Then], config: CircuitBreakerConfig) -> (State, WindowCounts) {
    let layer = CircuitBreakerLayer::builder("video")
        .config(config)
        .track_bodies()
        .build()
        .unwrap();
    let dependency = service_fn(async |then: Then| Ok::<_, Infallible>(Response::new(body(then))));
    for then in thens {
        let response = layer.layer(dependency).oneshot(*then).await.unwrap();
        let reading = response.into_body().collect();
        let _ = tokio::time::timeout(SLOW, reading).await;
    }
    (layer.handle().state(), layer.handle().window().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_a_failure() {
    let (state, counts) = state_after(&[Then::Data, Then::Reset, Then::Data], config()).await;
    assert_eq!((counts.calls, counts.failures), (3, 1));
    assert_eq!(state, State::Closed);
    let (state, _) = state_after(&[Then::Reset; 4], config()).await;
    assert_eq!(state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_until_its_reader_gives_up_is_slow() {
    let (state, _) = state_after(&[Then::Stall; 4], config()).await;
    assert_eq!(state, State::Closed);
    let (state, _) = state_after(&[Then::Stall; 4], config().slow_calls(SLOW, 0.5)).await;
    assert_eq!(state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_status_of_grpc_in_the_trailers_counts() {
    let thens = ["0", "5", "14", "13"].map(Then::Trailer);
    let (_, counts) = state_after(&thens[..3], config()).await;
    assert_eq!((counts.calls, counts.failures), (3, 1));
    let (state, _) = state_after(&thens, config()).await;
    assert_eq!(state, State::Open);
}
