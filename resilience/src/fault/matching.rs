//! Which requests a fault meets.

use std::collections::BTreeMap;

use http::request::Parts;
use serde::{Deserialize, Serialize};

use super::error::FaultError;
use crate::context::headers::CALLER;

/// Which requests a fault meets: those for which everything that is said here holds. Nothing
/// said: all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[must_use]
#[non_exhaustive]
pub struct Matching {
    /// The path begins with these whole segments: `/titles` are `/titles` and `/titles/7`, and
    /// not `/titles-old`. With a slash at its end only what is below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// The route of axum's router, such as `/titles/{id}`. What is outside of a router has none.
    #[cfg(feature = "axum")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The method, in capitals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Headers with exactly these values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The service that calls, as its client stack says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
}

impl Matching {
    /// Only paths that begin with these whole segments.
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = Some(prefix.into());
        self
    }

    /// Only this route of axum's router, such as `/titles/{id}`.
    #[cfg(feature = "axum")]
    pub fn route(mut self, route: impl Into<String>) -> Self {
        self.route = Some(route.into());
        self
    }

    /// Only this method.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only with this header, the name in lower case.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Only from this caller.
    pub fn caller(mut self, caller: impl Into<String>) -> Self {
        self.caller = Some(caller.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), FaultError> {
        let wrong = |key, value: &str, expected| FaultError::Value {
            key,
            value: format!("`{value}`"),
            expected,
        };
        if let Some(prefix) = &self.path_prefix
            && !prefix.starts_with('/')
        {
            return Err(wrong(
                "match.path_prefix",
                prefix,
                "a path that begins with `/`",
            ));
        }
        #[cfg(feature = "axum")]
        if let Some(route) = &self.route
            && !route.starts_with('/')
        {
            return Err(wrong(
                "match.route",
                route,
                "a route that begins with `/`, such as `/titles/{id}`",
            ));
        }
        if let Some(method) = &self.method
            && (method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()))
        {
            return Err(wrong(
                "match.method",
                method,
                "a method in capitals, such as `GET`",
            ));
        }
        let is_name = |name: &&String| http::HeaderName::from_lowercase(name.as_bytes()).is_err();
        if let Some(name) = self.headers.keys().find(is_name) {
            return Err(wrong(
                "match.headers",
                name,
                "the name of a header in lower case",
            ));
        }
        Ok(())
    }

    pub(super) fn meets(&self, parts: &Parts) -> bool {
        let says = |name: &str, value: &str| {
            let stated = parts.headers.get(name);
            stated.is_some_and(|stated| stated.as_bytes() == value.as_bytes())
        };
        let prefix = self.path_prefix.as_deref();
        prefix.is_none_or(|prefix| is_below(parts.uri.path(), prefix))
            && self
                .method
                .as_deref()
                .is_none_or(|method| parts.method == method)
            && self
                .caller
                .as_deref()
                .is_none_or(|caller| says(CALLER.as_str(), caller))
            && self.headers.iter().all(|(name, value)| says(name, value))
            && self.is_route_of(parts)
    }
}

impl Matching {
    #[cfg(feature = "axum")]
    fn is_route_of(&self, parts: &Parts) -> bool {
        self.route.as_ref().is_none_or(|route| {
            let matched = parts.extensions.get::<axum::extract::MatchedPath>();
            matched.is_some_and(|matched| matched.as_str() == route)
        })
    }

    #[cfg(not(feature = "axum"))]
    #[expect(clippy::unused_self, reason = "the same call with axum and without")]
    const fn is_route_of(&self, _: &Parts) -> bool {
        true
    }
}

/// Whether a path begins with the segments of `prefix`.
fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}
