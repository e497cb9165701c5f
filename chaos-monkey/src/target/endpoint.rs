//! Where users reach a service.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// Where users reach an instance, or all instances of a service at once: by HTTP without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    authority: String,
    /// What stands before each path; it does not end with `/`.
    base: String,
}

/// A text that is no base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoEndpoint {
    /// It is none at all.
    #[error("is no base URL: expected one such as `http://shop.example.com`")]
    NotAUrl,
    /// It wants TLS.
    #[error("the load speaks HTTP without TLS: expected `http://`")]
    Tls,
    /// It has a query.
    #[error("a base URL has no query: leave out what follows `?`")]
    Query,
}

impl Endpoint {
    /// Host and port.
    pub fn authority(&self) -> Option<Authority> {
        self.authority.parse().ok()
    }

    /// What stands before each path.
    pub fn base(&self) -> &str {
        &self.base
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self {
            authority: address.to_string(),
            base: String::new(),
        }
    }
}

impl FromStr for Endpoint {
    type Err = NoEndpoint;

    fn from_str(url: &str) -> Result<Self, NoEndpoint> {
        let url: Uri = url.parse().map_err(|_| NoEndpoint::NotAUrl)?;
        let authority = url.authority().ok_or(NoEndpoint::NotAUrl)?;
        match url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => {}
            Some(scheme) if *scheme == Scheme::HTTPS => return Err(NoEndpoint::Tls),
            _ => return Err(NoEndpoint::NotAUrl),
        }
        if url.query().is_some() {
            return Err(NoEndpoint::Query);
        }
        Ok(Self {
            authority: authority.to_string(),
            base: url.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}{}", self.authority, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_read() {
        for (url, shown) in [
            ("http://shop.example.com", "http://shop.example.com"),
            ("http://10.96.0.7:8080/", "http://10.96.0.7:8080"),
            ("http://example.com/shop/v1/", "http://example.com/shop/v1"),
        ] {
            assert_eq!(
                url.parse::<Endpoint>().map(|it| it.to_string()),
                Ok(shown.to_owned())
            );
        }
    }

    #[test]
    fn other_texts_are_refused_with_what_would_be_right() {
        for (url, error) in [
            ("shop.example.com", NoEndpoint::NotAUrl),
            ("/shop", NoEndpoint::NotAUrl),
            ("ftp://shop", NoEndpoint::NotAUrl),
            ("", NoEndpoint::NotAUrl),
            ("https://shop.example.com", NoEndpoint::Tls),
            ("http://shop.example.com/?a=b", NoEndpoint::Query),
        ] {
            assert_eq!(url.parse::<Endpoint>(), Err(error), "{url}");
        }
    }
}
