//! The faults of one service, and what they do to a request.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderMap;
use http::request::Parts;
use parking_lot::Mutex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::error::FaultError;
use super::injection::Injection;
use super::lease::{Lease, Term};
#[cfg(feature = "signed-faults")]
use super::signed::SignedFaults;
use super::spec::{FaultKind, FaultSpec, check_lease};
#[cfg(feature = "signed-faults")]
use crate::context::headers::FAULT;
use crate::telemetry::{Event, Gauge, Telemetry, names};

/// More at once than anybody can follow: a guard against an injector that forgot itself.
const MAXIMUM: usize = 64;

/// The faults of one service or client. Clones share them.
#[derive(Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    /// How many are active, so that a request without any pays for one load.
    active: AtomicUsize,
    state: Mutex<State>,
    telemetry: Telemetry,
    gauge: Gauge,
    #[cfg(feature = "signed-faults")]
    signed: Option<SignedFaults>,
}

struct State {
    faults: Vec<Active>,
    next_id: u64,
    random: ChaCha8Rng,
}

struct Active {
    id: FaultId,
    spec: FaultSpec,
    lease: Lease,
    hits: u64,
}

/// Names one fault of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u64);

impl fmt::Display for FaultId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A fault that is active.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FaultStatus {
    /// Its name.
    pub id: FaultId,
    /// What was asked for.
    #[serde(flatten)]
    pub spec: FaultSpec,
    /// What is left of its lease, in milliseconds.
    pub left_ms: u64,
    /// How many requests it has met.
    pub hits: u64,
}

/// Builds [`Faults`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct FaultsBuilder {
    name: String,
    seed: u64,
    telemetry: Telemetry,
    #[cfg(feature = "signed-faults")]
    signed: Option<SignedFaults>,
}

impl FaultsBuilder {
    /// The seed of percentages and of drawn delays (default 0).
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// Believes faults that requests bring, signed with this key (default: none, and the header
    /// is not looked at).
    #[cfg(feature = "signed-faults")]
    pub fn key(mut self, key: super::signed::FaultKey) -> Self {
        self.signed = Some(SignedFaults::new(key));
        self
    }

    /// No fault yet.
    pub fn build(self) -> Faults {
        let gauge = self.telemetry.gauge(&names::FAULTS_ACTIVE, &[&self.name]);
        Faults {
            shared: Arc::new(Shared {
                name: self.name,
                active: AtomicUsize::new(0),
                state: Mutex::new(State {
                    faults: Vec::new(),
                    next_id: 1,
                    random: ChaCha8Rng::seed_from_u64(self.seed),
                }),
                telemetry: self.telemetry,
                gauge,
                #[cfg(feature = "signed-faults")]
                signed: self.signed,
            }),
        }
    }
}

impl Faults {
    /// Begins the faults of the service or client called `name`: the name that metrics and
    /// events use.
    pub fn builder(name: impl Into<String>) -> FaultsBuilder {
        FaultsBuilder {
            name: name.into(),
            seed: 0,
            telemetry: Telemetry::default(),
            #[cfg(feature = "signed-faults")]
            signed: None,
        }
    }

    /// The name of what is broken.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Whether both are clones of one.
    #[cfg(feature = "admin")]
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Begins a fault. Inside a tokio runtime its end is noticed when its lease passes, and
    /// otherwise with the next request or list.
    ///
    /// # Errors
    ///
    /// A value that cannot be, or too many faults at once.
    pub fn inject(&self, spec: FaultSpec) -> Result<FaultId, FaultError> {
        spec.check()?;
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        self.shared.end_leases(&mut state, now);
        if state.faults.len() >= MAXIMUM {
            return Err(FaultError::TooMany { maximum: MAXIMUM });
        }
        let id = FaultId(state.next_id);
        state.next_id += 1;
        let kind = spec.fault.as_str();
        let lease = Lease::until(now + spec.lease());
        self.end_after(lease.term());
        state.faults.push(Active {
            id,
            lease,
            spec,
            hits: 0,
        });
        self.shared.publish(&state);
        self.shared.telemetry.emit(Event::FaultBegan {
            name: self.shared.name.clone(),
            id: id.0,
            kind: kind.to_owned(),
        });
        Ok(id)
    }

    /// Begins the lease of a fault anew, so that it lives for `lease` from now on.
    ///
    /// # Errors
    ///
    /// A lease that cannot be, or a fault that has ended.
    pub fn renew(&self, id: FaultId, lease: Duration) -> Result<(), FaultError> {
        check_lease(u64::try_from(lease.as_millis()).unwrap_or(u64::MAX))?;
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        self.shared.end_leases(&mut state, now);
        let fault = state.faults.iter_mut().find(|fault| fault.id == id);
        fault
            .ok_or(FaultError::Unknown(id))?
            .lease
            .renew(now + lease);
        Ok(())
    }

    /// Metrics and events say that a fault has ended even where no request comes.
    fn end_after(&self, term: Term) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let shared = Arc::downgrade(&self.shared);
        runtime.spawn(async move {
            term.over().await;
            if let Some(shared) = shared.upgrade() {
                shared.end_leases(&mut shared.state.lock(), Instant::now());
            }
        });
    }

    /// Ends a fault.
    ///
    /// # Errors
    ///
    /// A fault that has ended already.
    pub fn lift(&self, id: FaultId) -> Result<(), FaultError> {
        let mut state = self.shared.state.lock();
        self.shared.end_leases(&mut state, Instant::now());
        if !state.faults.iter().any(|fault| fault.id == id) {
            return Err(FaultError::Unknown(id));
        }
        self.shared
            .end(&mut state, "lifted", |fault| fault.id == id);
        Ok(())
    }

    /// Ends all faults.
    pub fn lift_all(&self) {
        let mut state = self.shared.state.lock();
        self.shared.end(&mut state, "lifted", |_| true);
    }

    /// What is active now, in the order in which it began.
    pub fn list(&self) -> Vec<FaultStatus> {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        self.shared.end_leases(&mut state, now);
        let status = |fault: &Active| FaultStatus {
            id: fault.id,
            spec: fault.spec.clone(),
            left_ms: u64::try_from(
                fault
                    .lease
                    .ends()
                    .saturating_duration_since(now)
                    .as_millis(),
            )
            .unwrap_or(u64::MAX),
            hits: fault.hits,
        };
        state.faults.iter().map(status).collect()
    }

    /// Whether a request with these headers may be met: without a fault it pays for one load.
    #[inline]
    pub(crate) fn may_meet(&self, headers: &HeaderMap) -> bool {
        #[cfg(feature = "signed-faults")]
        if self.shared.signed.is_some() && headers.contains_key(&FAULT) {
            return true;
        }
        #[cfg(not(feature = "signed-faults"))]
        let _ = headers;
        self.shared.active.load(Ordering::Relaxed) > 0
    }

    /// What the faults do to a request; `None` where they do nothing.
    pub(crate) fn meet(&self, parts: &Parts) -> Option<Injection> {
        #[cfg(feature = "signed-faults")]
        if let Some(signed) = &self.shared.signed
            && let Some(fault) = signed.of(&parts.headers)
        {
            return self.meet_with(parts, Some(fault));
        }
        self.meet_with(parts, None)
    }

    fn meet_with(&self, parts: &Parts, brought: Option<FaultKind>) -> Option<Injection> {
        let mut state = self.shared.state.lock();
        self.shared.end_leases(&mut state, Instant::now());
        let State { faults, random, .. } = &mut *state;
        let brought = brought.map(|fault| (fault, Term::of_the_request()));
        let mut met: Vec<(FaultKind, Term)> = brought.into_iter().collect();
        for fault in faults.iter_mut() {
            let spec = &fault.spec;
            if spec.matching.meets(parts) && random.random_range(0.0..100.0) < spec.percentage {
                fault.hits += 1;
                met.push((spec.fault.clone(), fault.lease.term()));
            }
        }
        if met.is_empty() {
            return None;
        }
        let mut injection = Injection::default();
        for (fault, term) in met {
            self.shared.count(&fault);
            injection.add(fault, term, random);
        }
        Some(injection)
    }
}

impl Shared {
    fn end_leases(&self, state: &mut State, now: Instant) {
        if state.faults.iter().any(|fault| fault.lease.ends() <= now) {
            self.end(state, "lease", |fault| fault.lease.ends() <= now);
        }
    }

    fn end(&self, state: &mut State, why: &str, is_over: impl Fn(&Active) -> bool) {
        state.faults.retain(|fault| {
            if !is_over(fault) {
                return true;
            }
            self.telemetry.emit(Event::FaultEnded {
                name: self.name.clone(),
                id: fault.id.0,
                reason: why.to_owned(),
            });
            false
        });
        self.publish(state);
    }

    fn publish(&self, state: &State) {
        self.active.store(state.faults.len(), Ordering::Relaxed);
        self.gauge
            .set(i64::try_from(state.faults.len()).unwrap_or(i64::MAX));
    }

    fn count(&self, fault: &FaultKind) {
        let labels = [self.name.as_str(), fault.as_str()];
        self.telemetry
            .counter(&names::FAULTS_INJECTED, &labels)
            .increment();
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Faults")
            .field("name", &self.shared.name)
            .field("active", &self.shared.active)
            .finish_non_exhaustive()
    }
}
