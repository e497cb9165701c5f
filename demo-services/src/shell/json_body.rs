//! A JSON body whose mistakes are answered as every service answers errors.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use http::StatusCode;
use serde::de::DeserializeOwned;

use super::JsonError;

/// The largest body that is read: a login or a position is far smaller.
pub const MAXIMUM_BODY_BYTES: usize = 16 * 1024;

/// A JSON body. One that is too large is a 413, any other mistake a 400.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = JsonError;

    async fn from_request(request: Request, state: &S) -> Result<Self, JsonError> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(explain(&rejection)),
        }
    }
}

fn explain(rejection: &JsonRejection) -> JsonError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return JsonError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "the body is too large",
        );
    }
    JsonError::bad_request(rejection.body_text())
}
