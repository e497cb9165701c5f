//! The device of a user, which may try again elsewhere, as a real player does.
//!
//! It is the same with and without middleware in the system. It knows all replicas of the
//! target, draws one per request, and makes further attempts, each on another replica than the
//! one before, while the user's patience lasts. It tries again what a player can tell to be the
//! other side's trouble: a refused or broken connection, an attempt without an answer in time,
//! and a status from 500 on. Anything else is an answer, though perhaps not a usable one.

use std::time::Duration;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep, timeout};

use super::transport::{Answer, Outgoing, Transport};
use crate::journal::{Attempt, Cause};
use crate::schema;

/// The pause before a further attempt. Long enough that a device does not hammer, short beside
/// anyone's patience.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// The device of a user.
#[derive(Debug)]
pub(crate) struct Device<T> {
    pub(crate) transport: T,
    pub(crate) habits: schema::Device,
}

/// One request of a user with all its attempts.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// When the first attempt was sent.
    pub(crate) sent: Instant,
    /// When the last one had ended.
    pub(crate) ended: Instant,
    /// All attempts.
    pub(crate) attempts: Vec<Attempt>,
    /// The answer with an expected status, or the cause of the last attempt.
    pub(crate) answer: Result<Answer, Cause>,
}

impl<T: Transport> Device<T> {
    /// Sends a request until an attempt brings an expected status, further attempts would not
    /// help, or the patience is used up. The seed decides which replica comes first.
    pub(crate) async fn ask(&self, request: &Outgoing, expected: &[u16], seed: u64) -> Exchange {
        let sent = Instant::now();
        let patience_ends = sent + self.habits.patience.get();
        let mut attempts = Vec::new();
        let mut answer = Err(Cause::Refused);
        let most = self.habits.further_attempts.saturating_add(1) as usize;
        for replica in replica_order(self.transport.replicas(), seed)
            .cycle()
            .take(most)
        {
            if !attempts.is_empty() {
                if patience_ends.saturating_duration_since(Instant::now()) <= PAUSE {
                    break;
                }
                sleep(PAUSE).await;
            }
            answer = self
                .attempt(replica, request, expected, patience_ends)
                .await;
            let cause = answer.as_ref().err().cloned();
            attempts.push(Attempt {
                replica: replica as u32,
                cause: cause.clone(),
            });
            if !cause.is_some_and(|cause| may_help_elsewhere(&cause)) {
                break;
            }
        }
        Exchange {
            sent,
            ended: Instant::now(),
            attempts,
            answer,
        }
    }

    async fn attempt(
        &self,
        replica: usize,
        request: &Outgoing,
        expected: &[u16],
        patience_ends: Instant,
    ) -> Result<Answer, Cause> {
        let remaining = patience_ends.saturating_duration_since(Instant::now());
        let within = self.habits.attempt_timeout.get().min(remaining);
        let answer = timeout(within, self.transport.send(replica, request))
            .await
            .unwrap_or(Err(Cause::Timeout))?;
        let status = answer.status.as_u16();
        let is_expected = if expected.is_empty() {
            answer.status.is_success()
        } else {
            expected.contains(&status)
        };
        if is_expected {
            Ok(answer)
        } else {
            Err(Cause::Status(status))
        }
    }
}

/// Whether another replica may do better.
pub(crate) fn may_help_elsewhere(cause: &Cause) -> bool {
    match cause {
        Cause::Refused | Cause::Reset | Cause::Timeout => true,
        Cause::Status(status) => *status >= 500,
        Cause::Malformed => false,
    }
}

/// The replicas in the order in which a request tries them.
fn replica_order(replicas: usize, seed: u64) -> std::vec::IntoIter<usize> {
    let mut order: Vec<usize> = (0..replicas).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order.into_iter()
}
