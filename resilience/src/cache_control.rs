//! What the headers of a message say about who may have an answer.

use http::{HeaderMap, header};

/// Whether `cache-control` says this, of the whole message or of some of its fields.
pub(crate) fn says(headers: &HeaderMap, directive: &str) -> bool {
    let is_it = |it: &str| {
        let name = it.split_once('=').map_or(it, |(name, _)| name);
        name.trim().eq_ignore_ascii_case(directive)
    };
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(is_it)
}

/// Whether an answer is meant for one user, whoever asked.
pub(crate) fn is_personal(headers: &HeaderMap) -> bool {
    headers.contains_key(header::SET_COOKIE) || says(headers, "private")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_is_found_in_any_place_and_with_any_value() {
        for (value, expected) in [
            ("private", true),
            ("max-age=60, Private", true),
            ("private=\"x-user\"", true),
            ("max-age=60", false),
            ("private-ish", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(header::CACHE_CONTROL, "public".parse().unwrap());
            headers.append(header::CACHE_CONTROL, value.parse().unwrap());
            assert_eq!(says(&headers, "private"), expected, "{value}");
        }
    }
}
