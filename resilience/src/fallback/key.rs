//! Under which key the last good answer to a call is kept.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, header};

use crate::cache_control;
use crate::stack::FallbackKey;

/// What common answers say that they vary with: in which form they are wanted, and, of each answer
/// of a service that has rules about foreign origins (CORS), from which page.
const VARIED: [HeaderName; 6] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::ORIGIN,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    header::ACCESS_CONTROL_REQUEST_HEADERS,
];

/// The key of a call under which something may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) text: String,
    /// Whether the caller chose it, who knows better whom the answers are for.
    is_chosen: bool,
}

impl Key {
    /// Whether an answer with these headers is for everybody who asks under this key.
    pub(super) fn suits(&self, answer: &HeaderMap) -> bool {
        // A cookie that is set twice is one of two users, or an old one.
        if answer.contains_key(header::SET_COOKIE) {
            return false;
        }
        self.is_chosen || (!cache_control::is_personal(answer) && varies_as_keyed(answer))
    }
}

/// Whether the answer depends on nothing that the key does not have.
fn varies_as_keyed(answer: &HeaderMap) -> bool {
    let mut names = answer.get_all(header::VARY).iter().flat_map(|value| {
        let names = value.to_str().unwrap_or("*");
        names.split(',').map(str::trim)
    });
    names.all(|name| {
        VARIED
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_str()))
    })
}

/// The key, or `None` if nothing may be kept.
pub(super) fn of(request: &Request<Bytes>) -> Option<Key> {
    if let Some(FallbackKey(key)) = request.extensions().get::<FallbackKey>() {
        return Some(Key {
            text: key.clone(),
            is_chosen: true,
        });
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
    let mut text = format!("{} {path}", request.method());
    for name in &VARIED {
        for value in request.headers().get_all(name) {
            // No value has a line break: none can look like the next header.
            text.extend(["\n", name.as_str(), " "]);
            text.extend(value.as_bytes().iter().map(|byte| char::from(*byte)));
        }
    }
    Some(Key {
        text,
        is_chosen: false,
    })
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
        assert_eq!(key.as_ref().unwrap().text, "GET /titles?genre=drama");
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
        assert_eq!(of(&lookup).unwrap().text, "titles 1,2,3");
    }

    #[test]
    fn forms_of_an_answer_are_told_apart() {
        let mut keys = std::collections::BTreeSet::new();
        for (name, value) in [
            (header::ACCEPT, "text/html"),
            (header::ACCEPT_LANGUAGE, "de"),
            (header::ACCEPT_LANGUAGE, "en"),
            (header::ACCEPT_ENCODING, "gzip"),
            (header::ORIGIN, "https://a.example"),
            (header::USER_AGENT, "a"),
            (header::USER_AGENT, "b"),
        ] {
            let mut read = request(Method::GET, "/titles");
            let value = http::HeaderValue::from_static(value);
            read.headers_mut().insert(name, value);
            keys.insert(of(&read).unwrap().text);
        }
        assert_eq!(keys.len(), 6);
    }

    #[test]
    fn what_is_for_somebody_else_suits_no_key_but_a_chosen_one() {
        let key = of(&request(Method::GET, "/titles")).unwrap();
        let mut chosen = request(Method::GET, "/titles");
        chosen.extensions_mut().insert(FallbackKey("ana".into()));
        let chosen = of(&chosen).unwrap();
        for (name, value, suits, suits_chosen) in [
            (header::VARY, "accept-encoding, Accept", true, true),
            // As tower-http's layer for CORS says it of all answers.
            (
                header::VARY,
                "origin, access-control-request-method, access-control-request-headers",
                true,
                true,
            ),
            (header::VARY, "accept-encoding, x-tenant", false, true),
            (header::VARY, "*", false, true),
            (header::CACHE_CONTROL, "private, max-age=5", false, true),
            (header::CACHE_CONTROL, "public", true, true),
            (header::SET_COOKIE, "session=1", false, false),
        ] {
            let mut answer = HeaderMap::new();
            answer.insert(name, http::HeaderValue::from_static(value));
            assert_eq!(key.suits(&answer), suits, "{value}");
            assert_eq!(chosen.suits(&answer), suits_chosen, "{value}");
        }
    }
}
