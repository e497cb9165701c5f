use std::collections::VecDeque;

use super::*;

/// A body that yields the scripted frames, one per poll.
struct Scripted(VecDeque<Result<Frame<Bytes>, BoxError>>);

impl Body for Scripted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.get_mut().0.pop_front())
    }
}

fn scripted(frames: impl IntoIterator<Item = Result<Frame<Bytes>, BoxError>>) -> Scripted {
    Scripted(frames.into_iter().collect())
}

#[expect(clippy::unnecessary_wraps, reason = "a script holds results")]
fn data(content: &'static str) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(Bytes::from_static(content.as_bytes())))
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_collected_whole() {
    let body = ResponseBody::collect(scripted([data("ab"), data("c")]), 3)
        .await
        .unwrap();
    assert_eq!(body.bytes().unwrap(), "abc");
    assert_eq!(body.size_hint().exact(), Some(3));
    assert_eq!(body.into_bytes().await.unwrap(), "abc");
}

#[tokio::test]
async fn a_larger_body_streams_the_prefix_and_then_the_rest() {
    let body = ResponseBody::collect(scripted([data("ab"), data("cd"), data("ef")]), 3)
        .await
        .unwrap();
    assert!(body.bytes().is_none());
    assert_eq!(body.size_hint().lower(), 4);
    assert_eq!(body.into_bytes().await.unwrap(), "abcdef");

    let streamed = ResponseBody::collect(scripted([data("abcd"), data("ef")]), 3)
        .await
        .unwrap();
    assert_eq!(streamed.collect().await.unwrap().to_bytes(), "abcdef");
}

#[tokio::test]
async fn a_death_below_the_limit_is_an_error_and_above_it_breaks_the_stream() {
    let died = || Err(BoxError::from("died"));
    let below = ResponseBody::collect(scripted([data("ab"), died()]), 3).await;
    assert_eq!(below.unwrap_err().to_string(), "died");

    let above = ResponseBody::collect(scripted([data("abcd"), died()]), 3)
        .await
        .unwrap();
    assert_eq!(above.into_bytes().await.unwrap_err().to_string(), "died");
}

#[tokio::test]
async fn trailers_survive_collection() {
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", http::HeaderValue::from_static("7"));
    let body = ResponseBody::collect(scripted([data("ab"), Ok(Frame::trailers(trailers))]), 9)
        .await
        .unwrap();
    let collected = BodyExt::collect(body).await.unwrap();
    assert_eq!(collected.trailers().unwrap()["checksum"], "7");
    assert_eq!(collected.to_bytes(), "ab");
}

#[tokio::test]
async fn an_empty_body_has_ended() {
    assert!(ResponseBody::empty().is_end_stream());
    let body = ResponseBody::collect(scripted([]), 9).await.unwrap();
    assert_eq!(body.bytes().unwrap(), "");
}
