//! Under which key the last good answer to a call is kept.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};

use crate::stack::FallbackKey;

/// The key, or `None` if nothing may be kept.
pub(super) fn of(request: &Request<Bytes>) -> Option<String> {
    if let Some(FallbackKey(key)) = request.extensions().get::<FallbackKey>() {
        return Some(key.clone());
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    // A part of an answer must not pass for the whole.
    let is_partial = request.headers().contains_key(header::RANGE);
    if !is_read || is_partial || has_credentials(request.headers()) {
        return None;
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    Some(format!("{} {path}", request.method()))
}

fn has_credentials(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, uri: &str) -> Request<Bytes> {
        Request::builder()
            .method(method)
            .uri(uri)
            .body(Bytes::new())
            .unwrap()
    }

    #[test]
    fn reads_have_method_path_and_query_as_their_key() {
        let key = of(&request(Method::GET, "/titles?genre=drama"));
        assert_eq!(key.as_deref(), Some("GET /titles?genre=drama"));
        let head = of(&request(Method::HEAD, "/titles?genre=drama"));
        assert_ne!(key, head);
    }

    #[test]
    fn writes_have_none() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(of(&request(method, "/positions/7")), None);
        }
    }

    #[test]
    fn what_is_meant_for_one_user_has_none() {
        for name in [header::AUTHORIZATION, header::COOKIE] {
            let mut personal = request(Method::GET, "/me");
            personal
                .headers_mut()
                .insert(name, http::HeaderValue::from_static("x"));
            assert_eq!(of(&personal), None);
        }
    }

    #[test]
    fn what_asks_for_a_part_has_none() {
        let mut partial = request(Method::GET, "/film");
        let range = http::HeaderValue::from_static("bytes=0-9");
        partial.headers_mut().insert(header::RANGE, range);
        assert_eq!(of(&partial), None);
    }

    #[test]
    fn the_caller_knows_better() {
        let mut lookup = request(Method::POST, "/titles/lookup");
        lookup
            .extensions_mut()
            .insert(FallbackKey("titles 1,2,3".into()));
        assert_eq!(of(&lookup).as_deref(), Some("titles 1,2,3"));
    }
}
