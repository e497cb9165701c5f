//! What all clones of a retry share.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::allowance::Withdrawal;
use super::budget::Budget;
use super::config::{RetryConfig, Waits};
use super::handle::HasBudget;
use super::policy::GaveUp;
use crate::telemetry::{Counter, Event, Telemetry, names};

#[derive(Debug)]
pub(super) struct Shared {
    name: Arc<str>,
    pub(super) config: RetryConfig,
    budget: Budget,
    chance: Mutex<ChaCha8Rng>,
    telemetry: Telemetry,
    results: Results,
}

impl HasBudget for Shared {
    fn name(&self) -> &str {
        &self.name
    }

    fn budget(&self) -> &Budget {
        &self.budget
    }
}

#[derive(Debug)]
struct Results {
    succeeded: Counter,
    failed: Counter,
    no_budget: Counter,
    no_time: Counter,
    not_repeatable: Counter,
    exhausted: Counter,
    is_final: Counter,
}

impl Shared {
    pub(super) fn new(name: String, config: RetryConfig, seed: u64, telemetry: Telemetry) -> Self {
        let result = |result| telemetry.counter(&names::RETRIES, &[&name, result]);
        let results = Results {
            succeeded: result("succeeded"),
            failed: result("failed"),
            no_budget: result("no-budget"),
            no_time: result("no-time"),
            not_repeatable: result("not-repeatable"),
            exhausted: result("exhausted"),
            is_final: result("final"),
        };
        Self {
            budget: Budget::new(config.budget_ratio, config.budget_minimum),
            chance: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            name: name.into(),
            config,
            telemetry,
            results,
        }
    }

    /// Counts a new call in.
    pub(super) fn deposit(&self) {
        self.budget.deposit();
    }

    /// Asks the budget for one repetition.
    pub(super) fn withdraw(&self) -> bool {
        match self.budget.withdraw() {
            Withdrawal::Granted => true,
            Withdrawal::Exhausted { is_news } => {
                if is_news {
                    let client = self.name.to_string();
                    self.telemetry.emit(Event::RetryBudgetExhausted { client });
                }
                false
            }
        }
    }

    /// The waits of one call.
    pub(super) fn waits(&self) -> Waits {
        let seed = self.chance.lock().next_u64();
        self.config.waits_from(seed)
    }

    /// Counts how a repetition ended.
    pub(super) fn repeated(&self, is_useful: bool) {
        if is_useful {
            self.results.succeeded.increment();
        } else {
            self.results.failed.increment();
        }
    }

    /// Counts why there was no further attempt.
    pub(super) fn gave_up(&self, why: GaveUp) {
        tracing::debug!(
            client = &*self.name,
            ?why,
            "no further attempt for {}",
            self.name
        );
        match why {
            GaveUp::NoBudget => self.results.no_budget.increment(),
            GaveUp::NoTime => self.results.no_time.increment(),
            GaveUp::NotRepeatable => self.results.not_repeatable.increment(),
            GaveUp::Exhausted => self.results.exhausted.increment(),
            GaveUp::Final => self.results.is_final.increment(),
        }
    }

    /// Says that there is a further attempt.
    pub(super) fn repeats(&self, wait: Duration) {
        self.telemetry.tell(|| Event::Retried {
            client: self.name.to_string(),
            after_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        });
    }
}
