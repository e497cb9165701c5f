//! The bounded, timed queue in front of the handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::telemetry::{Gauge, InFlight};

/// A place among the requests that are worked on.
pub(super) type Place = OwnedSemaphorePermit;

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// As many wait as may.
    Full,
    /// Nobody finished while it waited.
    Waited,
    /// The deadline of the request came first.
    Deadline,
}

/// At most so many at work, at most so many waiting, for so long.
#[derive(Debug)]
pub(super) struct Queue {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    length: usize,
    wait: Duration,
    queued: Gauge,
}

impl Queue {
    pub(super) fn new(places: usize, length: usize, wait: Duration, queued: Gauge) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            length,
            wait,
            queued,
        }
    }

    /// A place, at once or after a while in line, but never after `deadline`.
    pub(super) async fn enter(&self, deadline: Option<Instant>) -> Result<Place, NoPlace> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _in_line = InLine::join(self)?;
        let patience = Instant::now().checked_add(self.wait);
        let acquire = Arc::clone(&self.places).acquire_owned();
        let place = match [patience, deadline].into_iter().flatten().min() {
            Some(end) => tokio::time::timeout_at(end, acquire).await.ok(),
            None => Some(acquire.await),
        };
        // A place and the deadline may come at once: what is late must not be begun.
        if deadline.is_some_and(|end| end <= Instant::now()) {
            return Err(NoPlace::Deadline);
        }
        // The semaphore is never closed, so that an error cannot be.
        place.and_then(Result::ok).ok_or(NoPlace::Waited)
    }
}

/// Counts one that waits, for as long as it does.
struct InLine<'a> {
    queue: &'a Queue,
    _queued: InFlight,
}

impl<'a> InLine<'a> {
    fn join(queue: &'a Queue) -> Result<Self, NoPlace> {
        if queue.waiting.fetch_add(1, Ordering::Relaxed) >= queue.length {
            queue.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(NoPlace::Full);
        }
        Ok(Self {
            queue,
            _queued: queue.queued.track(),
        })
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Telemetry, names};

    fn queue(places: usize, length: usize, wait: Duration) -> Arc<Queue> {
        let queued = Telemetry::default().gauge(&names::SERVER_QUEUED, &["metadata"]);
        Arc::new(Queue::new(places, length, wait, queued))
    }

    #[tokio::test(start_paused = true)]
    async fn one_works_one_waits_and_the_third_is_refused() {
        let queue = queue(1, 1, Duration::from_millis(100));
        let working = queue.enter(None).await.unwrap();
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.enter(None).await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert_eq!(queue.queued.value(), 1);
        assert_eq!(queue.enter(None).await.err(), Some(NoPlace::Full));
        drop(working);
        assert_eq!(waiting.await.unwrap(), Ok(()));

        let _working = queue.enter(None).await.unwrap();
        let begun = Instant::now();
        assert_eq!(queue.enter(None).await.err(), Some(NoPlace::Waited));
        assert_eq!(begun.elapsed(), Duration::from_millis(100));
        assert_eq!(queue.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(queue.queued.value(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_gives_up_waiting_leaves_the_line() {
        let queue = queue(1, 1, Duration::from_secs(100));
        let _working = queue.enter(None).await.unwrap();
        let patience = Duration::from_millis(1);
        let gave_up = tokio::time::timeout(patience, queue.enter(None)).await;
        assert!(gave_up.is_err());
        assert_eq!(queue.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(queue.queued.value(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_beyond_the_deadline() {
        let queue = queue(1, 1, Duration::from_millis(100));
        let _working = queue.enter(None).await.unwrap();
        let begun = Instant::now();
        let deadline = begun + Duration::from_millis(30);
        assert_eq!(
            queue.enter(Some(deadline)).await.err(),
            Some(NoPlace::Deadline)
        );
        assert_eq!(begun.elapsed(), Duration::from_millis(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_comes_with_the_deadline_comes_too_late() {
        let queue = queue(1, 1, Duration::from_millis(100));
        let working = queue.enter(None).await.unwrap();
        let deadline = Instant::now() + Duration::from_millis(30);
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.enter(Some(deadline)).await.map(drop) }
        });
        tokio::task::yield_now().await;
        // Both at once: the waiting one is woken by the place at the very end of its time.
        tokio::time::advance(Duration::from_millis(30)).await;
        drop(working);
        assert_eq!(waiting.await.unwrap(), Err(NoPlace::Deadline));
        assert!(queue.enter(None).await.is_ok(), "the place is free again");
    }
}
