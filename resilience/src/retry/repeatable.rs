//! Which calls may be sent again after they reached a dependency.

use http::Request;

use crate::context::headers::IDEMPOTENCY_KEY;

/// In the extensions of a request whose body is not kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unrepeatable;

/// Whether a request may be sent again although it may have been carried out: its method is
/// idempotent (RFC 9110, 9.2.2), or it carries an `Idempotency-Key` by which the dependency
/// recognises it. One whose body was [not kept](super::ReplayLayer) may not.
pub fn is_repeatable<B>(request: &Request<B>) -> bool {
    if request.extensions().get::<Unrepeatable>().is_some() {
        return false;
    }
    request.method().is_idempotent() || request.headers().contains_key(IDEMPOTENCY_KEY)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn request(method: Method, key: Option<&str>) -> Request<()> {
        let mut request = Request::builder().method(method);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn idempotent_methods_may_be_repeated_and_others_only_with_a_key() {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::OPTIONS,
            Method::PUT,
            Method::DELETE,
            Method::TRACE,
        ] {
            assert!(is_repeatable(&request(method, None)));
        }
        for method in [Method::POST, Method::PATCH, Method::CONNECT] {
            assert!(!is_repeatable(&request(method.clone(), None)));
            assert!(is_repeatable(&request(method, Some("7f"))));
        }
    }
}
