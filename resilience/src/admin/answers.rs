//! The answers that are no good news, and how bodies are read.

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What went wrong, as JSON: `{"error": {"code": …, "message": …, "path": …}}`.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, Serialize)]
struct Body {
    error: Words,
}

#[derive(Debug, Serialize)]
struct Words {
    code: &'static str,
    message: String,
    /// Where in the body the mistake is.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let error = Words {
            code,
            message: message.into(),
            path: None,
        };
        Self {
            status,
            body: Body { error },
        }
    }

    /// A value of the body cannot be.
    pub(super) fn value(path: impl Into<String>, message: impl Into<String>) -> Self {
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "value", message);
        failure.body.error.path = Some(path.into());
        failure
    }

    /// There is nothing of this kind with this name.
    pub(super) fn unknown(kind: &str, name: &str) -> Self {
        let message = format!("no {kind} `{name}` is registered");
        Self::new(StatusCode::NOT_FOUND, "unknown", message)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// 401: no token, or another.
pub(super) fn unauthorized() -> Response {
    let failure = Failure::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "expected the bearer token of this router",
    );
    let mut response = failure.into_response();
    let bearer = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    response
}

/// 404: there is no such route.
pub(super) async fn no_route() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "no-route", "there is no such path")
}

/// 405: there is such a route, for something else.
pub(super) async fn no_method() -> Failure {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "this path knows other methods than this",
    )
}

/// Reads JSON out of a body, whatever it says of its type; a mistake comes with its path.
pub(super) fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Failure> {
    let body = body.map_err(|error| Failure::new(error.status(), "body", error.body_text()))?;
    // A list of the values would be taken, too, and an empty one for all the defaults.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Failure::value(".", "expected a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(&body);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| Failure::value(path(error.path()), error.inner().to_string()))?;
    match deserializer.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(Failure::value(".", error.to_string())),
    }
}

/// Where in the body; the body itself where nobody knows better, as with text that is no JSON.
fn path(path: &serde_path_to_error::Path) -> String {
    let is_known = |segment| !matches!(segment, &serde_path_to_error::Segment::Unknown);
    if path.iter().all(is_known) {
        path.to_string()
    } else {
        ".".to_owned()
    }
}
