//! Which requests are the same.

use std::fmt::Write;

use http::{Method, Request, header};

/// The headers that say who asks whom, in which form the answer is wanted, and on which condition.
const TOLD_APART: [header::HeaderName; 12] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
];

/// Room for most keys, so that they do not grow.
const USUAL_LENGTH: usize = 128;

/// Method, target and the headers that matter; nothing for what must not be shared.
pub(super) fn default_key<B>(request: &Request<B>) -> Option<String> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let headers = request.headers();
    let length = headers.get(header::CONTENT_LENGTH);
    if length.is_some_and(|length| length != "0") || headers.contains_key(header::TRANSFER_ENCODING)
    {
        return None;
    }
    let mut key = String::with_capacity(USUAL_LENGTH);
    // Writing to a string cannot fail.
    let _ = write!(key, "{} {}", request.method(), request.uri());
    for name in &TOLD_APART {
        for value in headers.get_all(name) {
            // Length first, so that no value can look like the next header.
            let bytes = value.as_bytes();
            let _ = write!(key, "\n{name} {} ", bytes.len());
            key.extend(bytes.iter().map(|byte| char::from(*byte)));
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(method: Method, target: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        default_key(&request.body(()).unwrap())
    }

    #[test]
    fn what_differs_for_the_caller_is_told_apart() {
        let get = |target, headers: &[_]| key(Method::GET, target, headers);
        let plain = get("/titles/7", &[]);
        assert!(plain.is_some());
        assert_eq!(plain, get("/titles/7", &[("x-request-id", "1")]));
        assert_ne!(plain, key(Method::HEAD, "/titles/7", &[]));
        for (target, headers) in [
            ("/titles/8", &[][..]),
            ("/titles/7?page=2", &[]),
            ("/titles/7", &[("authorization", "Bearer a")]),
            ("/titles/7", &[("authorization", "Bearer b")]),
            ("/titles/7", &[("accept", "text/html")]),
            ("/titles/7", &[("accept", "text/html"), ("accept", "a")]),
            ("/titles/7", &[("range", "bytes=0-9")]),
            // Regression: a 304 went to whoever had no copy, and gzip to whoever cannot read it.
            ("/titles/7", &[("if-none-match", "\"1\"")]),
            ("/titles/7", &[("if-match", "\"1\"")]),
            ("/titles/7", &[("if-range", "\"1\"")]),
            (
                "/titles/7",
                &[("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT")],
            ),
            (
                "/titles/7",
                &[("if-unmodified-since", "Thu, 01 Jan 2026 00:00:00 GMT")],
            ),
            ("/titles/7", &[("accept-encoding", "gzip")]),
            ("/titles/7", &[("host", "other.example")]),
        ] {
            assert_ne!(plain, get(target, headers));
        }
        let (ana, bob) = ([("cookie", "ana")], [("cookie", "bob")]);
        assert_ne!(get("/", &ana), get("/", &bob));
        assert_eq!(key(Method::POST, "/titles/7", &[]), None);
        assert_eq!(key(Method::PUT, "/titles/7", &[]), None);
        assert_eq!(get("/titles/7", &[("content-length", "5")]), None);
        assert_eq!(get("/titles/7", &[("transfer-encoding", "chunked")]), None);
        assert_eq!(plain, get("/titles/7", &[("content-length", "0")]));
    }
}
