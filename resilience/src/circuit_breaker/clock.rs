//! The time of one event, read when it is needed and then only once.

use tokio::time::Instant;

/// Now, as soon as somebody asks.
#[derive(Debug, Default)]
pub(super) struct Clock(Option<Instant>);

impl Clock {
    pub(super) const fn at(now: Instant) -> Self {
        Self(Some(now))
    }

    #[inline]
    pub(super) fn now(&mut self) -> Instant {
        *self.0.get_or_insert_with(Instant::now)
    }
}
