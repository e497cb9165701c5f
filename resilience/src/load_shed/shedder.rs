//! Who gets a place, who is refused, and what those are told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use tokio::time::Instant;

use crate::answer;
use crate::concurrency::{Ended, Gate, LimitHandle, Place, Refused, Waiting};
use crate::context::Priority;
use crate::ledger::Reason;
use crate::rate_limit::whole_seconds;
use crate::telemetry::{Counter, Event, Gauge, Telemetry, names};

const PRIORITIES: [Priority; 3] = [Priority::Critical, Priority::Default, Priority::Sheddable];

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As many wait as may, or somebody who matters more took the place in line.
    Full,
    /// Nobody finished while it waited.
    Waited,
    /// The deadline of the request came first.
    Deadline,
}

/// The gate with the patience of those in front of it.
#[derive(Debug)]
pub(crate) struct Shedder {
    name: Arc<str>,
    gate: Arc<Gate>,
    wait: Duration,
    retry_after: Option<HeaderValue>,
    telemetry: Telemetry,
    queued: Gauge,
    full: Counter,
    waited: Counter,
    late: Counter,
    shed: [Counter; 3],
}

impl Shedder {
    pub(super) fn new(
        name: Arc<str>,
        gate: Arc<Gate>,
        wait: Duration,
        retry_after: Option<Duration>,
        telemetry: Telemetry,
    ) -> Self {
        let rejected = |reason| telemetry.counter(&names::SERVER_REJECTED, &[&name, reason]);
        let shed = |priority: Priority| {
            telemetry.counter(&names::SERVER_SHED, &[&name, priority.as_str()])
        };
        Self {
            wait,
            retry_after: retry_after.map(|time| HeaderValue::from(whole_seconds(time).max(1))),
            queued: telemetry.gauge(&names::SERVER_QUEUED, &[&name]),
            full: rejected("full"),
            waited: rejected("timeout"),
            late: rejected("deadline"),
            shed: PRIORITIES.map(shed),
            telemetry,
            name,
            gate,
        }
    }

    pub(crate) fn handle(&self) -> LimitHandle {
        LimitHandle::new(Arc::clone(&self.name), Arc::clone(&self.gate))
    }

    /// A place, at once or after a while in line, but never after `deadline`. A refusal is
    /// counted and told.
    pub(crate) async fn admit(
        &self,
        priority: Priority,
        deadline: Option<Instant>,
    ) -> Result<Place, Refusal> {
        let entered = self.enter(priority, deadline).await;
        if let Err(refusal) = entered {
            self.refused(refusal, priority);
        }
        entered
    }

    /// What a refused request is answered with.
    pub(crate) fn answer(&self, refusal: Refusal) -> Response<Full<Bytes>> {
        if refusal == Refusal::Deadline {
            return answer::too_late();
        }
        let mut answer = answer::json(
            StatusCode::SERVICE_UNAVAILABLE,
            r#"{"error":{"code":"overloaded","message":"too many requests at the moment"}}"#,
        );
        if let Some(seconds) = &self.retry_after {
            answer.headers_mut().insert(RETRY_AFTER, seconds.clone());
        }
        answer
    }

    async fn enter(&self, priority: Priority, deadline: Option<Instant>) -> Result<Place, Refusal> {
        if let Some(place) = self.gate.enter() {
            return Ok(place);
        }
        let waiting: Waiting = self.gate.wait(priority).map_err(|_| Refusal::Full)?;
        let _queued = self.queued.track();
        let patience = Instant::now().checked_add(self.wait);
        let called = match [patience, deadline].into_iter().flatten().min() {
            Some(end) => tokio::time::timeout_at(end, waiting).await.ok(),
            None => Some(waiting.await),
        };
        // A place and the deadline may come at once: what is late must not be begun.
        if deadline.is_some_and(|end| end <= Instant::now()) {
            return Err(Refusal::Deadline);
        }
        match called {
            Some(Ok(place)) => Ok(place),
            Some(Err(Refused::Full)) => Err(Refusal::Full),
            Some(Err(Refused::TooLate)) | None => Err(Refusal::Waited),
        }
    }

    fn refused(&self, refusal: Refusal, priority: Priority) {
        let (counter, by, reason) = match refusal {
            Refusal::Full => (&self.full, "queue", Reason::Full),
            Refusal::Waited => (&self.waited, "queue", Reason::Full),
            Refusal::Deadline => (&self.late, "deadline", Reason::Deadline),
        };
        counter.increment();
        if refusal != Refusal::Deadline {
            for (one, counter) in PRIORITIES.iter().zip(&self.shed) {
                if *one == priority {
                    counter.increment();
                }
            }
        }
        self.telemetry.tell(|| Event::Rejected {
            name: self.name.as_ref().to_owned(),
            by: by.to_owned(),
            reason: reason.as_str().to_owned(),
        });
    }
}

/// What an answer says about the call for it.
pub(crate) fn ended(status: StatusCode) -> Ended {
    if status.is_server_error() {
        Ended::Failed
    } else {
        Ended::Well
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concurrency;

    fn queue(places: usize, length: usize, wait: Duration) -> Arc<Shedder> {
        let telemetry = Telemetry::default();
        let shown = telemetry.gauge(&names::SERVER_LIMIT, &["metadata"]);
        let gate = Gate::fixed(places, concurrency::Queue::new(length, wait), shown);
        let shedder = Shedder::new("metadata".into(), gate, wait, None, telemetry);
        Arc::new(shedder)
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
            Some(Refusal::Full)
        );
        drop(working);
        assert_eq!(waiting.await.unwrap(), Ok(()));

        let _working = queue.enter(Priority::Default, None).await.unwrap();
        let begun = Instant::now();
        assert_eq!(
            queue.enter(Priority::Default, None).await.err(),
            Some(Refusal::Waited)
        );
        assert_eq!(begun.elapsed(), Duration::from_millis(100));
        assert_eq!(queue.queued.value(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_an_end_lasts_until_a_place_is_free() {
        let queue = queue(1, 1, Duration::MAX);
        let working = queue.enter(Priority::Default, None).await.unwrap();
        let long = Duration::from_hours(24 * 30);
        let free_again = async {
            tokio::time::sleep(long).await;
            drop(working);
        };
        let begun = Instant::now();
        let (entered, ()) = tokio::join!(queue.enter(Priority::Default, None), free_again);
        assert!(entered.is_ok());
        assert_eq!(begun.elapsed(), long);
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
            Some(Refusal::Deadline)
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
        assert_eq!(waiting.await.unwrap(), Err(Refusal::Deadline));
        assert!(
            queue.enter(Priority::Default, None).await.is_ok(),
            "the place is free again"
        );
    }
}
