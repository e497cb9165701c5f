//! The bounded, timed queue in front of the handlers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::concurrency::{Gate, LimitHandle, Refused, Waiting};
use crate::context::Priority;
use crate::telemetry::Gauge;

pub(super) use crate::concurrency::Place;

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// As many wait as may, or somebody who matters more took the place in line.
    Full,
    /// Nobody finished while it waited.
    Waited,
    /// The deadline of the request came first.
    Deadline,
}

/// The gate with the patience of those in front of it.
#[derive(Debug)]
pub(super) struct Queue {
    gate: Arc<Gate>,
    wait: Duration,
    queued: Gauge,
}

impl Queue {
    pub(super) const fn new(gate: Arc<Gate>, wait: Duration, queued: Gauge) -> Self {
        Self { gate, wait, queued }
    }

    pub(super) fn handle(&self, name: &str) -> LimitHandle {
        LimitHandle::new(name.into(), Arc::clone(&self.gate))
    }

    /// A place, at once or after a while in line, but never after `deadline`.
    pub(super) async fn enter(
        &self,
        priority: Priority,
        deadline: Option<Instant>,
    ) -> Result<Place, NoPlace> {
        if let Some(place) = self.gate.enter() {
            return Ok(place);
        }
        let waiting: Waiting = self.gate.wait(priority).map_err(|_| NoPlace::Full)?;
        let _queued = self.queued.track();
        let patience = Instant::now().checked_add(self.wait);
        let called = match [patience, deadline].into_iter().flatten().min() {
            Some(end) => tokio::time::timeout_at(end, waiting).await.ok(),
            None => Some(waiting.await),
        };
        // A place and the deadline may come at once: what is late must not be begun.
        if deadline.is_some_and(|end| end <= Instant::now()) {
            return Err(NoPlace::Deadline);
        }
        match called {
            Some(Ok(place)) => Ok(place),
            Some(Err(Refused::Full)) => Err(NoPlace::Full),
            Some(Err(Refused::TooLate)) | None => Err(NoPlace::Waited),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concurrency;
    use crate::telemetry::{Telemetry, names};

    fn queue(places: usize, length: usize, wait: Duration) -> Arc<Queue> {
        let queued = Telemetry::default().gauge(&names::SERVER_QUEUED, &["metadata"]);
        let shown = Telemetry::default().gauge(&names::SERVER_LIMIT, &["metadata"]);
        let gate = Gate::fixed(places, concurrency::Queue::new(length, wait), shown);
        Arc::new(Queue::new(gate, wait, queued))
    }

    #[tokio::test(start_paused = true)]
    async fn one_works_one_waits_and_the_third_is_refused() {
        let queue = queue(1, 1, Duration::from_millis(100));
        let working = queue.enter(Priority::Default, None).await.unwrap();
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.enter(Priority::Default, None).await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert_eq!(queue.queued.value(), 1);
        assert_eq!(
            queue.enter(Priority::Default, None).await.err(),
            Some(NoPlace::Full)
        );
        drop(working);
        assert_eq!(waiting.await.unwrap(), Ok(()));

        let _working = queue.enter(Priority::Default, None).await.unwrap();
        let begun = Instant::now();
        assert_eq!(
            queue.enter(Priority::Default, None).await.err(),
            Some(NoPlace::Waited)
        );
        assert_eq!(begun.elapsed(), Duration::from_millis(100));
        assert_eq!(queue.queued.value(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_gives_up_waiting_leaves_the_line() {
        let queue = queue(1, 1, Duration::from_secs(100));
        let _working = queue.enter(Priority::Default, None).await.unwrap();
        let patience = Duration::from_millis(1);
        let gave_up = tokio::time::timeout(patience, queue.enter(Priority::Default, None)).await;
        assert!(gave_up.is_err());
        assert_eq!(queue.queued.value(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_beyond_the_deadline() {
        let queue = queue(1, 1, Duration::from_millis(100));
        let _working = queue.enter(Priority::Default, None).await.unwrap();
        let begun = Instant::now();
        let deadline = begun + Duration::from_millis(30);
        assert_eq!(
            queue.enter(Priority::Default, Some(deadline)).await.err(),
            Some(NoPlace::Deadline)
        );
        assert_eq!(begun.elapsed(), Duration::from_millis(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_comes_with_the_deadline_comes_too_late() {
        let queue = queue(1, 1, Duration::from_millis(100));
        let working = queue.enter(Priority::Default, None).await.unwrap();
        let deadline = Instant::now() + Duration::from_millis(30);
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move {
                queue
                    .enter(Priority::Default, Some(deadline))
                    .await
                    .map(drop)
            }
        });
        tokio::task::yield_now().await;
        // Both at once: the waiting one is woken by the place at the very end of its time.
        tokio::time::advance(Duration::from_millis(30)).await;
        drop(working);
        assert_eq!(waiting.await.unwrap(), Err(NoPlace::Deadline));
        assert!(
            queue.enter(Priority::Default, None).await.is_ok(),
            "the place is free again"
        );
    }
}
