//! How busy one endpoint is: calls in flight times what one of them takes.
//!
//! The latency is a *peak* exponentially weighted moving average, as in Finagle: a slower
//! answer is believed at once, a faster one little by little, by the time that has passed.
//! What Finagle leaves out: a call that is still under way has taken at least its age. So an
//! endpoint that never answers looks slower and slower instead of idle.

/// Microseconds since the balancer was built.
pub(super) type Micros = u64;

/// The latency nobody is better than, in microseconds: 5 ms. Differences below it are the noise
/// of schedulers and networks; who is idle should look alike.
const FLOOR: f64 = 5_000.0;

/// The load of one endpoint.
#[derive(Debug)]
pub(super) struct Load {
    /// Latency in microseconds as of `updated`.
    estimate: f64,
    updated: Micros,
    in_flight: u64,
    /// Sum of the starts of the calls in flight, from which follows their mean age.
    starts: u128,
}

impl Load {
    pub(super) const fn new() -> Self {
        Self {
            estimate: FLOOR,
            updated: 0,
            in_flight: 0,
            starts: 0,
        }
    }

    pub(super) fn begin(&mut self, now: Micros) {
        self.in_flight += 1;
        self.starts += u128::from(now);
    }

    pub(super) fn end(&mut self, started: Micros) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.starts = self.starts.saturating_sub(u128::from(started));
    }

    /// Takes `latency` in, in microseconds.
    pub(super) fn observe(&mut self, latency: f64, now: Micros, decay: f64) {
        let remembered = self.remembered(now, decay);
        let blended = self.estimate * remembered + latency * (1.0 - remembered);
        self.estimate = blended.max(latency);
        self.updated = now;
    }

    /// Forgets what was, for an endpoint that came back and answered within `latency`: what it
    /// gets from now on is for its growing share to say.
    pub(super) const fn start_again(&mut self, latency: f64, now: Micros) {
        self.estimate = latency;
        self.updated = now;
    }

    /// Takes in that a call took *at least* `latency` microseconds, which can only make the
    /// endpoint look slower.
    pub(super) fn observe_at_least(&mut self, latency: f64, now: Micros, decay: f64) {
        let estimate = self.estimate * self.remembered(now, decay);
        if latency > estimate {
            self.estimate = latency;
            self.updated = now;
        }
    }

    /// Calls under way.
    pub(super) const fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// What one more call would add to, in microseconds of work.
    pub(super) fn value(&self, now: Micros, decay: f64) -> f64 {
        let estimate = self.estimate * self.remembered(now, decay);
        let latency = estimate.max(self.mean_age(now)).max(FLOOR);
        (self.in_flight as f64 + 1.0) * latency
    }

    fn mean_age(&self, now: Micros) -> f64 {
        if self.in_flight == 0 {
            return 0.0;
        }
        let ages = (u128::from(now) * u128::from(self.in_flight)).saturating_sub(self.starts);
        ages as f64 / self.in_flight as f64
    }

    /// The weight of the estimate after the time that has passed: 1 at once, towards 0 later.
    fn remembered(&self, now: Micros, decay: f64) -> f64 {
        let passed = now.saturating_sub(self.updated) as f64;
        (-passed / decay.max(1.0)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECAY: f64 = 1_000_000.0;

    #[test]
    fn a_slower_answer_counts_at_once_and_a_faster_one_by_the_time_that_passed() {
        let mut load = Load::new();
        load.observe(100_000.0, 0, DECAY);
        assert!((load.value(0, DECAY) - 100_000.0).abs() < 1.0);
        load.observe(2_000.0, 1_000_000, DECAY);
        let expected =
            100_000.0 / std::f64::consts::E + 2_000.0 * (1.0 - 1.0 / std::f64::consts::E);
        assert!((load.value(1_000_000, DECAY) - expected).abs() < 1.0);
    }

    #[test]
    fn every_call_in_flight_adds_its_share() {
        let mut load = Load::new();
        load.observe(10_000.0, 0, DECAY);
        load.begin(0);
        load.begin(0);
        assert!((load.value(0, DECAY) - 30_000.0).abs() < 1.0);
        load.end(0);
        assert!((load.value(0, DECAY) - 20_000.0).abs() < 1.0);
    }

    #[test]
    fn a_call_without_an_answer_is_as_slow_as_it_is_old() {
        let mut load = Load::new();
        load.begin(0);
        load.begin(100_000);
        assert!((load.value(200_000, DECAY) - 3.0 * 150_000.0).abs() < 1.0);
    }

    #[test]
    fn idle_endpoints_end_up_alike() {
        let mut slow = Load::new();
        slow.observe(500_000.0, 0, DECAY);
        let later = 20_000_000;
        let never_used = Load::new();
        assert!((slow.value(later, DECAY) - never_used.value(later, DECAY)).abs() < f64::EPSILON);
    }

    #[test]
    fn a_lower_bound_never_makes_an_endpoint_look_faster() {
        let mut load = Load::new();
        load.observe(50_000.0, 0, DECAY);
        load.observe_at_least(5_000.0, 0, DECAY);
        assert!((load.value(0, DECAY) - 50_000.0).abs() < 1.0);
        load.observe_at_least(80_000.0, 0, DECAY);
        assert!((load.value(0, DECAY) - 80_000.0).abs() < 1.0);
    }
}
