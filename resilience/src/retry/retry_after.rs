//! When a failed answer wants to be asked again: `Retry-After` in both forms of RFC 9110, 10.2.3.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, Response};

use crate::BoxError;

/// The wait that the answer asks for, if it is one and says so.
pub(super) fn of<B>(result: &Result<Response<B>, BoxError>) -> Option<Duration> {
    read_retry_after(result.as_ref().ok()?.headers(), SystemTime::now())
}

/// The wait that `Retry-After` asks for, in seconds or until a date; a date that has passed at
/// `now` asks for none. `None` where the header is missing or neither of the two.
pub fn read_retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are longer than anybody waits.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, now: SystemTime) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
        read_retry_after(&headers, now)
    }

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let date = httpdate::fmt_http_date(now + Duration::from_mins(2));
        let past = httpdate::fmt_http_date(now - Duration::from_mins(2));
        for (text, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            (date.as_str(), Some(120)),
            (past.as_str(), Some(0)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(read(text, now), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(read_retry_after(&HeaderMap::new(), now), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[ -~]{0,40}") {
            let _ = read(&text, SystemTime::UNIX_EPOCH);
        }
    }
}
