//! Who may come in.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;

use super::answers;
use crate::config::ConfigError;

/// The shortest token: 16 bytes, so that it can hold the 64 bits of chance and more that nobody
/// guesses over a network.
const SHORTEST: usize = 16;

/// What opens the router; nothing does where it is empty.
#[derive(Clone)]
pub(super) struct Token(Arc<[u8]>);

impl Token {
    pub(super) fn new(token: &str) -> Self {
        Self(token.as_bytes().into())
    }

    /// Whether it can be sent (RFC 6750, 2.1), and is not too easily guessed.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        // What it is must not stand in a log.
        let wrong =
            |what: String, expected| Err(ConfigError::new("admin", "token", what, expected));
        if self.0.is_empty() {
            return Ok(());
        }
        if self.0.len() < SHORTEST {
            let expected = "at least 16, or none at all to keep everybody out";
            return wrong(format!("{} bytes long", self.0.len()), expected);
        }
        let may_stand = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
        if !self.0.iter().all(may_stand) {
            let expected = "letters and digits without accents and `-._~+/=` alone";
            return wrong("not fit for a header".to_owned(), expected);
        }
        Ok(())
    }

    /// Whether these headers bring it. How long that takes does not depend on which bytes differ.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (sent.next(), sent.next()) else {
            return false;
        };
        let Some((scheme, token)) = value.as_bytes().split_at_checked("Bearer ".len()) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"bearer ")
            && !self.0.is_empty()
            && bool::from(self.0.ct_eq(token))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_empty() { "none" } else { "secret" })
    }
}

/// Stands in front of every route, those that do not exist included.
pub(super) async fn guard(State(token): State<Token>, request: Request, next: Next) -> Response {
    let mut response = if token.is_in(request.headers()) {
        next.run(request).await
    } else {
        answers::unauthorized()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn opens(token: &str, sent: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        Token::new(token).is_in(&headers)
    }

    #[test]
    fn only_the_token_opens() {
        assert!(opens(SECRET, &["Bearer 0123456789abcdef"]));
        assert!(opens(SECRET, &["bearer 0123456789abcdef"]));
        for sent in [
            &[][..],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Bearer 0123456789abcdeF"],
            &["Bearer 0123456789abcde"],
            &["Bearer 0123456789abcdefg"],
            &["Basic 0123456789abcdef"],
            &["0123456789abcdef"],
            &["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"],
        ] {
            assert!(!opens(SECRET, sent), "{sent:?}");
        }
    }

    #[test]
    fn without_a_token_nothing_opens() {
        for sent in [&[][..], &["Bearer "], &["Bearer"], &["Bearer x"]] {
            assert!(!opens("", sent), "{sent:?}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_sent_or_is_short_is_an_error_that_does_not_tell_it() {
        assert_eq!(Token::new("").check(), Ok(()));
        assert_eq!(Token::new(SECRET).check(), Ok(()));
        for token in [
            "short",
            "with a space in it",
            "ümlauts-ümlauts-ü",
            "line\nbreak-line-break",
        ] {
            let error = Token::new(token).check().unwrap_err();
            assert!(!error.to_string().contains(token), "{error}");
        }
        assert!(!format!("{:?}", Token::new(SECRET)).contains(SECRET));
    }
}
