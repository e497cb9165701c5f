//! How long a fault lives, seen from the registry and from what the fault has begun.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What the registry holds. Dropped, it ends what the fault has begun.
#[derive(Debug)]
pub(super) struct Lease {
    ends: watch::Sender<Instant>,
}

impl Lease {
    pub(super) fn until(ends: Instant) -> Self {
        Self {
            ends: watch::Sender::new(ends),
        }
    }

    pub(super) fn renew(&self, ends: Instant) {
        self.ends.send_replace(ends);
    }

    pub(super) fn ends(&self) -> Instant {
        *self.ends.borrow()
    }

    pub(super) fn term(&self) -> Term {
        Term {
            ends: Some(self.ends.subscribe()),
        }
    }
}

/// What an effect of the fault holds.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    /// Nothing where the effect belongs to one request alone, and ends with it.
    ends: Option<watch::Receiver<Instant>>,
}

impl Term {
    /// That of a fault which a request brought for itself.
    pub(super) const fn of_the_request() -> Self {
        Self { ends: None }
    }

    pub(super) fn is_over(&self) -> bool {
        self.ends.as_ref().is_some_and(|ends| {
            let is_lifted = ends.has_changed().is_err();
            is_lifted || *ends.borrow() <= Instant::now()
        })
    }

    /// Waits until the fault is lifted, or its lease passes without having been renewed.
    pub(super) async fn over(self) {
        let Some(mut ends) = self.ends else {
            return std::future::pending().await;
        };
        loop {
            let end = *ends.borrow_and_update();
            tokio::select! {
                () = sleep_until(end) => return,
                renewed = ends.changed() => {
                    if renewed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// That, to be polled by hand.
    pub(super) fn end(self) -> End {
        End(Box::pin(self.over()))
    }
}

/// The end of a term.
pub(super) struct End(Pin<Box<dyn Future<Output = ()> + Send + Sync>>);

impl Future for End {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("End")
    }
}
