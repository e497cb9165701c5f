//! Answers that the middleware gives itself: a status and a short JSON body.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;

/// 504: the time was up, before or while work was done.
pub(crate) fn too_late() -> Response<Full<Bytes>> {
    json(
        StatusCode::GATEWAY_TIMEOUT,
        r#"{"error":{"code":"deadline","message":"the deadline has passed"}}"#,
    )
}

pub(crate) fn json(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
