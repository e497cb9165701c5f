//! Settings of stand-ins.

use serde::{Deserialize, Serialize};

use super::Span;
use crate::fallback::{Fallback, LastGoodConfig, Revalidate};

/// What can be set of the stand-ins. Functions stand in code alone: a
/// [`fallback`](crate::ClientBuilder::fallback) that is given there takes the place of this one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FallbackSettings {
    /// The last good answer to the same call stands in (default: nothing does).
    pub last_good: Option<LastGoodSettings>,
}

/// What is kept of good answers; see [`LastGoodConfig`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LastGoodSettings {
    /// For how many different calls an answer is kept (default 1,000).
    pub capacity: Option<usize>,
    /// How many bytes they may take together (default 8 MiB).
    pub maximum_bytes: Option<usize>,
    /// From which age on an answer is no longer given (default 10 minutes).
    pub maximum_age: Option<Span>,
    /// How much of an answer is lost because it is old, 0 to 1 (default 1).
    pub share: Option<f64>,
    /// When it is given at once, before the dependency is asked (default: never).
    pub revalidate: Option<RevalidateSettings>,
}

/// For how long a kept answer is given at once; see [`Revalidate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RevalidateSettings {
    /// For how long it is simply given.
    pub fresh_for: Span,
    /// For how long after that it is given while it is refreshed.
    pub stale_for: Span,
}

impl FallbackSettings {
    pub(super) fn fallback(&self) -> Fallback {
        let Some(settings) = &self.last_good else {
            return Fallback::new();
        };
        let mut config = LastGoodConfig::default();
        if let Some(capacity) = settings.capacity {
            config.capacity = capacity;
        }
        if let Some(bytes) = settings.maximum_bytes {
            config.maximum_bytes = bytes;
        }
        if let Some(Span(age)) = settings.maximum_age {
            config.maximum_age = age;
        }
        if let Some(share) = settings.share {
            config.share = share;
        }
        if let Some(revalidate) = settings.revalidate {
            let RevalidateSettings {
                fresh_for,
                stale_for,
            } = revalidate;
            config.revalidate = Some(Revalidate::new(fresh_for.0, stale_for.0));
        }
        Fallback::new().last_good_with(config)
    }
}
