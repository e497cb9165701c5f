//! Where a dependency can be reached.

use std::str::FromStr;
use std::sync::Arc;

use http::Uri;
use http::uri::Authority;
use indexmap::IndexSet;

/// The places at which one dependency can be reached, one per replica.
///
/// Duplicates are dropped; the order of the rest is kept. An empty set is allowed: calls
/// then fail with [`NoEndpoint`](super::NoEndpoint), which a fallback can stand in for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    authorities: Arc<[Authority]>,
}

impl Endpoints {
    /// The endpoints at these addresses: `http://host:port`, without path or query.
    ///
    /// # Errors
    ///
    /// An address that is something else, with the address.
    pub fn new(uris: impl IntoIterator<Item = Uri>) -> Result<Self, EndpointsError> {
        let authorities = uris
            .into_iter()
            .map(authority)
            .collect::<Result<IndexSet<_>, _>>()?;
        Ok(Self {
            authorities: authorities.into_iter().collect(),
        })
    }

    /// The endpoints at these authorities.
    pub(super) fn of(authorities: impl Iterator<Item = Authority>) -> Self {
        let distinct: IndexSet<_> = authorities.collect();
        Self {
            authorities: distinct.into_iter().collect(),
        }
    }

    /// Reads a comma-separated list: `http://127.0.0.1:4000,http://127.0.0.1:4001`. Blanks
    /// around the addresses are ignored; an empty text is an empty set.
    ///
    /// # Errors
    ///
    /// The first part that is not an address.
    pub fn parse(list: &str) -> Result<Self, EndpointsError> {
        if list.trim().is_empty() {
            return Ok(Self::default());
        }
        let uris = list
            .split(',')
            .map(|part| {
                let part = part.trim();
                Uri::from_str(part).map_err(|_| EndpointsError::new(part))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(uris)
    }

    /// `host:port` of each endpoint, in the order in which they were given.
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// How many endpoints there are.
    pub fn len(&self) -> usize {
        self.authorities.len()
    }

    /// Whether there is no endpoint at all.
    pub fn is_empty(&self) -> bool {
        self.authorities.is_empty()
    }
}

impl FromStr for Endpoints {
    type Err = EndpointsError;

    fn from_str(list: &str) -> Result<Self, EndpointsError> {
        Self::parse(list)
    }
}

fn authority(uri: Uri) -> Result<Authority, EndpointsError> {
    let is_http = uri.scheme_str() == Some("http");
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    match uri.authority() {
        Some(authority) if is_http && is_bare && !authority.as_str().contains('@') => {
            Ok(authority.clone())
        }
        _ => Err(EndpointsError::new(&uri.to_string())),
    }
}

/// An address that no endpoint can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{address}` is not an endpoint: expected `http://host:port`, several separated by commas")]
pub struct EndpointsError {
    address: String,
}

impl EndpointsError {
    fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
        }
    }

    /// The address that was given.
    pub fn address(&self) -> &str {
        &self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_in_its_order_and_without_duplicates() {
        let endpoints = Endpoints::parse("http://b:2, http://a:1/ ,http://b:2").unwrap();
        assert_eq!(endpoints.authorities(), ["b:2", "a:1"]);
        assert_eq!(endpoints.len(), 2);
        assert!(!endpoints.is_empty());
    }

    #[test]
    fn an_empty_list_is_an_empty_set() {
        assert!(Endpoints::parse("  ").unwrap().is_empty());
    }

    #[test]
    fn what_is_not_an_address_is_named() {
        for bad in [
            "127.0.0.1:4000",
            "https://a:1",
            "http://a:1/path",
            "http://a:1/?query",
            "http://user@a:1",
            "http://",
            "two words",
        ] {
            let error = Endpoints::parse(&format!("http://good:1,{bad}")).unwrap_err();
            assert!(error.address().starts_with(bad), "{error}");
        }
        assert_eq!(Endpoints::parse("http://a:1,").unwrap_err().address(), "");
    }
}
