//! What stands in, in which order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::BoxError;
use crate::config::{Checks, ConfigError};

/// The stand-ins for one dependency, tried in the order in which they were added.
///
/// Each has a short name for the ledger, such as `popular`, and a share: how much of the
/// answer it replaces is lost, 0 to 1. The degradation weighs the share of the stand-in
/// times the weight of the call.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Fallback {
    pub(super) kinds: Vec<Kind>,
}

impl Fallback {
    /// No stand-in at all: failures are handed on.
    pub const fn new() -> Self {
        Self { kinds: Vec::new() }
    }

    /// The last good answer to the same call, kept for `maximum_age` and for at most
    /// `capacity` different calls; it stands in as `last-good` with a share of 1.
    ///
    /// See [`LastGoodConfig`] for what is kept, and under which key.
    pub fn last_good(self, capacity: usize, maximum_age: Duration) -> Self {
        self.last_good_with(LastGoodConfig {
            capacity,
            maximum_age,
            ..LastGoodConfig::default()
        })
    }

    /// The last good answer to the same call.
    pub fn last_good_with(mut self, config: LastGoodConfig) -> Self {
        self.kinds.push(Kind::LastGood(config));
        self
    }

    /// A default for reads (GET and HEAD): a write must not look as if it had been done.
    pub fn default_with<F>(self, stood_in: impl Into<String>, share: f64, answer: F) -> Self
    where
        F: Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    {
        self.from_fn(stood_in, share, move |request, _| {
            request.method().is_safe().then(|| answer(request))
        })
    }

    /// A function of the request, whatever its method, and of the error; what it answers
    /// with `None` is left to the next stand-in. A failure status comes as a
    /// [`FailureStatus`](super::FailureStatus).
    pub fn from_fn<F>(mut self, stood_in: impl Into<String>, share: f64, answer: F) -> Self
    where
        F: Fn(&Request<Bytes>, &BoxError) -> Option<Response<Bytes>> + Send + Sync + 'static,
    {
        self.kinds.push(Kind::Function {
            stood_in: stood_in.into(),
            share,
            answer: Answer(Arc::new(answer)),
        });
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let checks = Checks("fallback");
        let mut revalidated = 0;
        for kind in &self.kinds {
            match kind {
                Kind::LastGood(config) => {
                    checks.is_within("last_good share", config.share, 0.0, 1.0)?;
                    checks.is_positive("last_good maximum_age", config.maximum_age)?;
                    if config.capacity == 0 {
                        let key = "last_good capacity";
                        return Err(ConfigError::new("fallback", key, 0, "at least 1"));
                    }
                    if let Some(revalidate) = config.revalidate {
                        let given_for = revalidate.given_for();
                        let key = "last_good revalidate";
                        checks.is_positive(key, given_for)?;
                        checks.is_at_most(key, given_for, config.maximum_age)?;
                        revalidated += 1;
                    }
                }
                Kind::Function { share, .. } => checks.is_within("share", *share, 0.0, 1.0)?,
            }
        }
        if revalidated > 1 {
            let key = "last_good revalidate";
            let expected = "at most one last good answer that is given at once";
            return Err(ConfigError::new("fallback", key, revalidated, expected));
        }
        Ok(())
    }
}

/// What is kept of good answers.
///
/// Kept are answers of 2xx with a body that was collected whole, under method, path, query, the
/// form that was wanted (`accept`, `accept-encoding`, `accept-language`) and the `origin` of a
/// page, of reads only (GET and HEAD). What was meant for one user must not reach another, so nothing is kept
///
/// - if the request carries credentials (`authorization`, `cookie`) or asks for a part (`range`);
/// - if the answer sets a cookie, says `cache-control: no-store` or `private`, or has a `vary`
///   header with more than the key has.
///
/// A [`FallbackKey`](crate::stack::FallbackKey) in the request's extensions overrides the key, the
/// method, the look at credentials, `private` and `vary`.
///
/// When there is no room, an answer goes that was not used since the last look at it
/// (the second-chance algorithm, which is nearly least recently used and costs less).
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct LastGoodConfig {
    /// For how many different calls an answer is kept, default 1,000.
    pub capacity: usize,
    /// How much memory headers and bodies may take together, default 8 MiB.
    pub maximum_bytes: usize,
    /// From which age on an answer is no longer given, default 10 minutes.
    pub maximum_age: Duration,
    /// How much of an answer is lost because it is old, 0 to 1, default 1.
    pub share: f64,
    /// When it is given at once, before the dependency is asked; default never.
    pub revalidate: Option<Revalidate>,
}

impl LastGoodConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// For how many different calls an answer is kept (default 1,000).
    pub const fn capacity(mut self, calls: usize) -> Self {
        self.capacity = calls;
        self
    }

    /// How many bytes headers and bodies may take together (default 8 MiB).
    pub const fn maximum_bytes(mut self, bytes: usize) -> Self {
        self.maximum_bytes = bytes;
        self
    }

    /// From which age on an answer is no longer given (default 10 minutes).
    pub const fn maximum_age(mut self, age: Duration) -> Self {
        self.maximum_age = age;
        self
    }

    /// How much of an answer is lost because it is old, 0 to 1 (default 1).
    pub const fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// When it is given at once, before the dependency is asked (default never).
    pub fn revalidate(mut self, revalidate: impl Into<Option<Revalidate>>) -> Self {
        self.revalidate = revalidate.into();
        self
    }
}

impl Default for LastGoodConfig {
    fn default() -> Self {
        Self {
            capacity: 1_000,
            maximum_bytes: 8 * 1024 * 1024,
            maximum_age: Duration::from_mins(10),
            share: 1.0,
            revalidate: None,
        }
    }
}

/// For how long a kept answer is given at once (stale-while-revalidate, RFC 5861).
///
/// Up to `fresh_for` it is simply given. Then, for another `stale_for`, it is still given while
/// one refresh in the background asks the dependency. Older, it only stands in for a failure,
/// as every last good answer does, up to the maximum age.
///
/// Not given at once is an answer that was degraded when it came (asking again may bring the
/// whole), that has a `vary` header (the key does not know what it depends on) or says
/// `cache-control: no-cache`; nor any to a request that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revalidate {
    pub(super) fresh_for: Duration,
    pub(super) stale_for: Duration,
}

impl Revalidate {
    /// Fresh for so long, and then given for so long while it is refreshed. Either may be zero,
    /// and both together are at most the maximum age of the store.
    pub const fn new(fresh_for: Duration, stale_for: Duration) -> Self {
        Self {
            fresh_for,
            stale_for,
        }
    }

    /// From which age on it is no longer given at once.
    pub(super) const fn given_for(self) -> Duration {
        self.fresh_for.saturating_add(self.stale_for)
    }
}

/// One stand-in, as it was asked for.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    LastGood(LastGoodConfig),
    Function {
        stood_in: String,
        share: f64,
        answer: Answer,
    },
}

type AnswerFunction = dyn Fn(&Request<Bytes>, &BoxError) -> Option<Response<Bytes>> + Send + Sync;

/// The function of a stand-in.
#[derive(Clone)]
pub(super) struct Answer(Arc<AnswerFunction>);

impl Answer {
    pub(super) fn to(&self, request: &Request<Bytes>, error: &BoxError) -> Option<Response<Bytes>> {
        (self.0)(request, error)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Answer")
    }
}
