//! What faults do to one request.

use std::time::Duration;

use http::StatusCode;
use rand_chacha::ChaCha8Rng;
use tokio::time::sleep;

use super::body::BodyFault;
use super::lease::Term;
use super::spec::FaultKind;

/// What faults do to one request, each of it for as long as its fault lives.
#[derive(Debug, Default)]
pub(crate) struct Injection {
    /// It waits first, once for each of these.
    pub(crate) delays: Vec<(Duration, Term)>,
    /// It is not handled.
    pub(crate) instead: Option<(Instead, Term)>,
    /// What happens to the body of its answer.
    pub(crate) body: Option<BodyFault>,
}

/// What a request gets that is not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instead {
    Status(StatusCode),
    Abort,
}

impl Injection {
    /// Delays add up; of what happens instead, and of what happens to the body, the first counts.
    pub(super) fn add(&mut self, fault: FaultKind, term: Term, random: &mut ChaCha8Rng) {
        match fault {
            FaultKind::Delay { delay } => self.delays.push((delay.draw(random), term)),
            FaultKind::Status { status } => {
                if let Ok(status) = StatusCode::from_u16(status) {
                    self.instead.get_or_insert((Instead::Status(status), term));
                }
            }
            FaultKind::Abort => {
                self.instead.get_or_insert((Instead::Abort, term));
            }
            FaultKind::ResetBody { after_bytes } => {
                self.body
                    .get_or_insert_with(|| BodyFault::reset(after_bytes, term));
            }
            FaultKind::Throttle { bytes_per_second } => {
                self.body
                    .get_or_insert_with(|| BodyFault::throttle(bytes_per_second, term));
            }
        }
    }

    /// Waits as long as the faults want, and for none beyond its end.
    pub(super) async fn wait(delays: Vec<(Duration, Term)>) {
        for (delay, term) in delays {
            tokio::select! {
                () = sleep(delay) => {}
                () = term.over() => {}
            }
        }
    }
}
