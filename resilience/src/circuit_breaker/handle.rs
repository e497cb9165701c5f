//! A breaker from outside.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::breaker::{Breaker, CallGuard, Circuit};
use super::call::{Call, ErrorsAreFailures};
use super::config::CircuitBreakerConfig;
use super::error::CircuitOpen;
use super::mode::Mode;
use super::ramp;
use crate::classify::Outcome;
use crate::config::ConfigError;
use crate::telemetry::BreakerState as State;

/// Looks at a breaker and steers it: for health pages, admin endpoints, operators and tests;
/// or puts it around code that is not a Tower service, see [`admit`](Self::admit).
#[derive(Debug, Clone)]
pub struct BreakerHandle {
    breaker: Arc<Breaker>,
    circuit: Arc<Circuit>,
}

/// What a breaker does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerStatus {
    /// The state, which an operator's word stands above.
    pub state: State,
    /// Who decides.
    pub mode: Mode,
    /// Since when both are so.
    pub since: Instant,
    /// Over how long from then on the admitted share of calls grows, where it does: on the
    /// [ramp](CircuitBreakerConfig::ramp) after good probes, which is a part of half-open.
    pub ramp: Option<Duration>,
}

impl BreakerStatus {
    /// The share of the calls that is admitted now, 0.1 to 1, where it grows.
    pub fn admitted_share(&self) -> Option<f64> {
        let ramp = self.ramp?;
        Some(ramp::share_after(self.since.elapsed(), ramp))
    }
}

/// The calls in the window of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowCounts {
    /// All that count.
    pub calls: u32,
    /// Those that failed.
    pub failures: u32,
    /// Those that were slow, failed or not.
    pub slow: u32,
}

impl BreakerHandle {
    pub(super) fn new(breaker: Arc<Breaker>) -> Self {
        let circuit = breaker.circuit();
        Self { breaker, circuit }
    }

    /// The name of the breaker.
    pub fn name(&self) -> &str {
        self.circuit.name()
    }

    /// The present state. It changes with calls: an open breaker whose backoff is over
    /// stays open until the next call comes and probes.
    pub fn state(&self) -> State {
        self.circuit.state()
    }

    /// Whether the breaker decides, or an operator does.
    pub fn mode(&self) -> Mode {
        self.circuit.mode()
    }

    /// State and mode, and since when they are so.
    pub fn status(&self) -> BreakerStatus {
        *self.watch().borrow()
    }

    /// Follows every change of state and mode.
    pub fn watch(&self) -> watch::Receiver<BreakerStatus> {
        self.circuit.observer().watch()
    }

    /// What is in the window now; `None` where the breaker does not open by rates.
    pub fn window(&self) -> Option<WindowCounts> {
        let totals = self.breaker.circuit().totals()?;
        Some(WindowCounts {
            calls: totals.calls,
            failures: totals.failures,
            slow: totals.slow,
        })
    }

    /// Rejects every call from now on, with an error that says an operator wants it so.
    pub fn force_open(&self) {
        self.switch(Mode::ForcedOpen);
    }

    /// Lets every call pass from now on, whatever happens to it.
    pub fn force_closed(&self) {
        self.switch(Mode::ForcedClosed);
    }

    /// Takes the breaker out: calls pass, and nothing is counted.
    pub fn disable(&self) {
        self.switch(Mode::Disabled);
    }

    /// Lets every call pass and only tells when the rules would open the breaker.
    pub fn metrics_only(&self) {
        self.switch(Mode::MetricsOnly);
    }

    /// Gives the decision back to the breaker. Where it was forced open, the next calls probe;
    /// otherwise it is closed and has forgotten its calls.
    pub fn automatic(&self) {
        self.switch(Mode::Automatic);
    }

    /// Does what the mode says.
    pub fn switch(&self, mode: Mode) {
        self.breaker.circuit().switch(mode);
    }

    /// Closes the breaker, gives the decision back to it and forgets all that it has counted.
    pub fn reset(&self) {
        self.breaker.circuit().reset();
    }

    /// Puts other rules in force while the breaker keeps its state: an open one stays open for
    /// as long as it was told to, and a closed one keeps what it has counted.
    ///
    /// - The window keeps all its calls where it stays the same, and the newest where both windows
    ///   count calls.
    /// - Failures in a row go on; where there are enough of them already, the next one opens.
    /// - A policy of failsafe goes on where the new rule is a clone of the old one.
    /// - The backoff goes on after as many pauses as the breaker has taken.
    ///
    /// What cannot be kept: any other window begins empty, since its calls cannot be told apart;
    /// any other policy of failsafe begins anew; half-open begins its probes anew, and a ramp
    /// goes back to its probes, since what was admitted is judged by the rules that admitted it.
    /// Calls under way at this moment are not counted.
    ///
    /// # Errors
    ///
    /// A value that cannot be, with its name and what would be right; nothing has changed then.
    pub fn reconfigure(&self, config: &CircuitBreakerConfig) -> Result<(), ConfigError> {
        self.breaker.reconfigure(config)
    }

    /// Asks for the right to one call of anything, Tower service or not.
    ///
    /// # Errors
    ///
    /// The rejection, if the circuit is open.
    ///
    /// ```
    /// use resilience::circuit_breaker::CircuitBreakerLayer;
    /// use resilience::classify::Outcome;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let breaker = CircuitBreakerLayer::builder("disk").build()?.handle();
    /// let call = breaker.admit()?;
    /// let read = std::fs::read("Cargo.toml");
    /// call.end(if read.is_ok() { Outcome::Success } else { Outcome::Failure });
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn admit(&self) -> Result<AdmittedCall<'_>, CircuitOpen> {
        match self.pass() {
            Some(guard) => Ok(AdmittedCall(guard)),
            None => self.ask().map(AdmittedCall),
        }
    }

    /// Runs a future behind the breaker, Tower service or not: it is not polled where the
    /// circuit is open, and an error of it is a failure.
    ///
    /// ```
    /// use resilience::circuit_breaker::{BreakerError, CircuitBreakerLayer};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let breaker = CircuitBreakerLayer::builder("statistics").build()?.handle();
    /// match breaker.call(tokio::net::TcpStream::connect("127.0.0.1:8125")).await {
    ///     Ok(stream) => println!("connected to {}", stream.peer_addr()?),
    ///     Err(BreakerError::Open(open)) => println!("{open}"),
    ///     Err(error) => println!("{error}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub const fn call<F>(&self, future: F) -> Call<'_, F> {
        self.call_with(ErrorsAreFailures, future)
    }

    /// Like [`call`](Self::call), where `classify` says what is a failure.
    #[inline]
    pub const fn call_with<F, C>(&self, classify: C, future: F) -> Call<'_, F, C> {
        Call::new(self, future, classify)
    }

    /// The right to a call, where nothing stands in the way.
    #[inline]
    pub(super) fn pass(&self) -> Option<CallGuard<Held<'_>>> {
        let permit = self.circuit.pass()?;
        Some(CallGuard::begin(Held::Borrowed(&self.circuit), permit))
    }

    /// What a call does that still knows the rules from when this handle was made.
    #[cfg(test)]
    pub(super) fn with_known_rules(&self, act: impl FnOnce(&Circuit)) {
        act(&self.circuit);
    }

    #[inline(never)]
    pub(super) fn ask(&self) -> Result<CallGuard<Held<'_>>, CircuitOpen> {
        let circuit = if self.circuit.is_outdated() {
            Held::Own(self.breaker.circuit())
        } else {
            Held::Borrowed(&self.circuit)
        };
        let permit = circuit.permit()?;
        Ok(CallGuard::begin(circuit, permit))
    }
}

/// The right to one call. Dropped without an outcome it counts as cancelled.
#[derive(Debug)]
#[must_use = "a call that is dropped at once counts as cancelled"]
pub struct AdmittedCall<'a>(CallGuard<Held<'a>>);

/// Borrowed where the handle knows the present rules, which saves the reference count.
#[derive(Debug)]
pub(super) enum Held<'a> {
    Borrowed(&'a Circuit),
    Own(Arc<Circuit>),
}

impl Deref for Held<'_> {
    type Target = Circuit;

    #[inline]
    fn deref(&self) -> &Circuit {
        match self {
            Self::Borrowed(circuit) => circuit,
            Self::Own(circuit) => circuit,
        }
    }
}

impl AdmittedCall<'_> {
    /// Tells the breaker how the call ended.
    #[inline]
    pub fn end(mut self, outcome: Outcome) {
        self.0.settle(outcome);
    }
}
