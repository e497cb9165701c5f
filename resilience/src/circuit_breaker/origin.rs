//! The name of a breaker and its own time, in one word: what rejections are made of.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// Who rejects, and since when it counts its time.
#[derive(Debug)]
pub(super) struct Origin {
    name: Arc<str>,
    began: Instant,
}

/// Nanoseconds since a breaker was built: they reach for 584 years, and what lies beyond is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nanos(pub(super) u64);

impl Nanos {
    pub(super) const NEVER: Self = Self(u64::MAX);

    /// How long after `earlier` this is; zero if it is not.
    pub(super) const fn after(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Origin {
    pub(super) const fn new(name: Arc<str>, began: Instant) -> Self {
        Self { name, began }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    #[inline]
    pub(super) fn nanos(&self, at: Instant) -> Nanos {
        let after = at.saturating_duration_since(self.began);
        let seconds = after.as_secs().checked_mul(1_000_000_000);
        let nanos = seconds.and_then(|it| it.checked_add(after.subsec_nanos().into()));
        nanos.map_or(Nanos::NEVER, Nanos)
    }

    /// `None` for never.
    pub(super) fn instant(&self, at: Nanos) -> Option<Instant> {
        if at == Nanos::NEVER {
            return None;
        }
        self.began.checked_add(Duration::from_nanos(at.0))
    }

    /// Of a time that has been.
    pub(super) fn since(&self, at: Nanos) -> Instant {
        self.instant(at).unwrap_or(self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_to_the_nanosecond() {
        let began = Instant::now();
        let origin = Origin::new("bench".into(), began);
        for after in [0, 1, 999_999_999, 1_000_000_000, u64::MAX - 1] {
            let at = began + Duration::from_nanos(after);
            assert_eq!(origin.nanos(at), Nanos(after));
            assert_eq!(origin.instant(Nanos(after)), Some(at));
        }
    }

    #[test]
    fn what_lies_beyond_is_never() {
        let began = Instant::now();
        let origin = Origin::new("bench".into(), began);
        let millennium = began + Duration::from_secs(1_000 * 365 * 24 * 3_600);
        assert_eq!(origin.nanos(millennium), Nanos::NEVER);
        assert_eq!(origin.instant(Nanos::NEVER), None);
    }

    #[test]
    fn a_clock_that_jumps_back_is_at_the_beginning() {
        let began = Instant::now() + Duration::from_secs(1);
        let origin = Origin::new("bench".into(), began);
        assert_eq!(origin.nanos(Instant::now()), Nanos(0));
    }
}
