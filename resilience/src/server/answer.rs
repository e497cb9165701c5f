//! The answers that the middleware gives itself.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};
use tower_http::body::UnsyncBoxBody;

use crate::BoxError;
use crate::answer::json;
use crate::fault::FaultyBody;
use crate::rate_limit::{RateLimited, whole_seconds};

/// What catch-panic makes of every body; or the handler's own where everything is switched off.
pub type ServerBody<B> = Either<UnsyncBoxBody<Bytes, BoxError>, B>;

/// Inside catch-panic: the body of the handler, broken on purpose or not, or a short one of the
/// middleware.
pub(super) type GuardedBody<B> = Either<FaultyBody<B>, Full<Bytes>>;

/// 429: the caller has used up its quota.
pub(super) fn limited(limited: &RateLimited) -> Response<Full<Bytes>> {
    let mut answer = json(
        StatusCode::TOO_MANY_REQUESTS,
        r#"{"error":{"code":"rate-limited","message":"too many requests from this caller"}}"#,
    );
    let headers = answer.headers_mut();
    limited.standing().write_to(headers);
    let seconds = whole_seconds(limited.retry_after()).max(1);
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// 500: a panic of the handler. What it said is for the log.
pub(super) fn broken() -> Response<Full<Bytes>> {
    json(
        StatusCode::INTERNAL_SERVER_ERROR,
        r#"{"error":{"code":"internal","message":"something went wrong here"}}"#,
    )
}
