//! What a breaker makes of a clock that jumps, and of times that have no end.

use super::*;

const DAYS: Duration = Duration::from_hours(24 * 30);

#[tokio::test(start_paused = true)]
async fn after_a_jump_hanging_probes_are_overdue_and_the_next_ones_decide() {
    let mut bench = bench(config());
    bench.until_it_may_probe().await;
    let _hanging = [bench.call(Does::Hangs), bench.call(Does::Hangs)];
    advance(DAYS).await;
    assert_eq!(bench.rejection().probe_in(), Some(PAUSE));
    assert_eq!(bench.transitions()[2].2, "probes-overdue");
    advance(DAYS).await;
    bench.calls(Does::Succeeds, 2).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn after_a_jump_over_the_ramp_the_next_call_closes() {
    let bench = bench(config().ramp(Duration::from_secs(10)));
    bench.until_it_may_probe().await;
    bench.calls(Does::Succeeds, 2).await;
    assert_eq!(bench.state(), State::HalfOpen);
    advance(DAYS).await;
    bench.calls(Does::Succeeds, 1).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_jump_over_the_pause_takes_one_step_of_the_backoff() {
    let pauses = [PAUSE, PAUSE * 2, PAUSE * 4];
    let bench = bench(config().backoff(pauses.into_iter()).probes(1));
    bench.calls(Does::Breaks, 4).await;
    for pause in [PAUSE * 2, PAUSE * 4, PAUSE * 4] {
        advance(DAYS).await;
        bench.calls(Does::Breaks, 1).await;
        assert_eq!(bench.rejection().probe_in(), Some(pause));
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_open_without_a_deadline_waits_for_its_probes() {
    let bench = bench(config().half_open_deadline(Duration::MAX));
    bench.until_it_may_probe().await;
    let hanging = [bench.call(Does::Hangs), bench.call(Does::Hangs)];
    advance(DAYS).await;
    assert!(bench.rejection().is_probing());
    drop(hanging);
    bench.calls(Does::Succeeds, 2).await;
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_ramp_without_an_end_admits_a_tenth_until_it_fails() {
    let bench = bench(config().ramp(Duration::MAX));
    bench.until_it_may_probe().await;
    bench.calls(Does::Succeeds, 2).await;
    advance(DAYS).await;
    let before = bench.dependency.calls.load(Ordering::Relaxed);
    bench.calls(Does::Succeeds, 100).await;
    assert_eq!(bench.dependency.calls.load(Ordering::Relaxed) - before, 10);
    assert_eq!(bench.state(), State::HalfOpen);
    bench.calls(Does::Breaks, 100).await;
    assert_eq!(bench.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn no_call_is_slow_by_a_threshold_without_an_end() {
    let bench = bench(config().slow_calls(Duration::MAX, 0.5));
    bench.calls(Does::TakesThen(DAYS, 200), 10).await;
    assert_eq!(bench.state(), State::Closed);
    let counts = bench.breaker.handle().window().unwrap();
    assert_eq!((counts.calls, counts.slow), (10, 0));
}
