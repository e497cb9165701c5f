//! The bounded, timed queue in front of the handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place among the requests that are worked on.
pub(super) type Place = OwnedSemaphorePermit;

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// As many wait as may.
    Full,
    /// Nobody finished in time.
    TooLate,
}

/// At most so many at work, at most so many waiting, for so long.
#[derive(Debug)]
pub(super) struct Queue {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    length: usize,
    wait: Duration,
}

impl Queue {
    pub(super) fn new(places: usize, length: usize, wait: Duration) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            length,
            wait,
        }
    }

    /// A place, at once or after a while in line.
    pub(super) async fn enter(&self) -> Result<Place, NoPlace> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _in_line = InLine::join(self)?;
        let acquire = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(self.wait, acquire).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(NoPlace::TooLate),
        }
    }
}

/// Counts one that waits, for as long as it does.
struct InLine<'a>(&'a Queue);

impl<'a> InLine<'a> {
    fn join(queue: &'a Queue) -> Result<Self, NoPlace> {
        if queue.waiting.fetch_add(1, Ordering::Relaxed) >= queue.length {
            queue.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(NoPlace::Full);
        }
        Ok(Self(queue))
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_works_one_waits_and_the_third_is_refused() {
        let queue = Arc::new(Queue::new(1, 1, Duration::from_millis(100)));
        let working = queue.enter().await.unwrap();
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.enter().await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert_eq!(queue.enter().await.err(), Some(NoPlace::Full));
        drop(working);
        assert_eq!(waiting.await.unwrap(), Ok(()));

        let _working = queue.enter().await.unwrap();
        assert_eq!(queue.enter().await.err(), Some(NoPlace::TooLate));
        assert_eq!(queue.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_gives_up_waiting_leaves_the_line() {
        let queue = Queue::new(1, 1, Duration::from_secs(100));
        let _working = queue.enter().await.unwrap();
        let patience = Duration::from_millis(1);
        assert!(tokio::time::timeout(patience, queue.enter()).await.is_err());
        assert_eq!(queue.waiting.load(Ordering::Relaxed), 0);
    }
}
