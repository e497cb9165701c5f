//! The answers that the middleware gives itself.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};

/// The body of the handler, or a short one of the middleware.
pub type ServerBody<B> = Either<B, Full<Bytes>>;

/// 504: the time was up, before or while work was done.
pub(super) fn too_late<B>() -> Response<ServerBody<B>> {
    own(
        StatusCode::GATEWAY_TIMEOUT,
        r#"{"error":{"code":"deadline","message":"the deadline has passed"}}"#,
    )
}

/// 503: there is no place. The queue is short, so a second is long enough.
pub(super) fn overloaded<B>() -> Response<ServerBody<B>> {
    let mut answer = own(
        StatusCode::SERVICE_UNAVAILABLE,
        r#"{"error":{"code":"overloaded","message":"too many requests at the moment"}}"#,
    );
    let headers = answer.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// 500: a panic or an error of the handler. What it said is for the log.
pub(super) fn broken<B>() -> Response<ServerBody<B>> {
    own(
        StatusCode::INTERNAL_SERVER_ERROR,
        r#"{"error":{"code":"internal","message":"something went wrong here"}}"#,
    )
}

fn own<B>(status: StatusCode, body: &'static str) -> Response<ServerBody<B>> {
    let mut answer = Response::new(Either::Right(Full::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
