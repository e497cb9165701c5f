use proptest::prelude::*;
use tokio::time::advance;

use super::*;

fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn p90() -> LatencyQuantile {
    let config = QuantileConfig::new(0.9)
        .window(Duration::from_secs(10))
        .minimum_samples(10);
    LatencyQuantile::new(config).unwrap()
}

#[tokio::test(start_paused = true)]
async fn too_few_latencies_give_no_answer() {
    let quantile = p90();
    for _ in 0..9 {
        quantile.record(millis(5));
    }
    assert_eq!(quantile.value(), None);
    quantile.record(millis(5));
    assert!(quantile.value().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_the_window_has_left() {
    let quantile = p90();
    for _ in 0..1_000 {
        quantile.record(millis(500));
    }
    assert!(quantile.value() >= Some(millis(495)));
    advance(Duration::from_secs(5)).await;
    for _ in 0..20 {
        quantile.record(millis(5));
    }
    assert!(quantile.value() >= Some(millis(495)), "within the window");
    advance(Duration::from_secs(5)).await;
    assert!(quantile.value() < Some(millis(6)));
    advance(Duration::from_secs(60)).await;
    assert_eq!(quantile.value(), None);
}

#[tokio::test(start_paused = true)]
async fn a_jump_of_the_clock_forgets_everything_and_the_next_latencies_count() {
    let quantile = p90();
    for _ in 0..3 {
        for _ in 0..100 {
            quantile.record(millis(500));
        }
        assert!(quantile.value() >= Some(millis(495)));
        advance(Duration::from_hours(24 * 365)).await;
        assert_eq!(quantile.value(), None);
    }
    for _ in 0..10 {
        quantile.record(millis(5));
    }
    assert!(quantile.value() < Some(millis(6)));
}

/// Regression of a pitfall: a reservoir that grows with the records it is given.
#[tokio::test(start_paused = true)]
async fn pitfall_the_reservoir_grows_with_records() {
    let quantile = p90();
    let buckets = quantile.recent.lock().older.distinct_values();
    for index in 0..200_000 {
        quantile.record(Duration::from_micros(index * 7));
        quantile.record(Duration::MAX);
    }
    assert_eq!(quantile.recent.lock().older.distinct_values(), buckets);
}

#[test]
fn numbers_that_cannot_be_are_errors() {
    for config in [
        QuantileConfig::new(0.0),
        QuantileConfig::new(1.0),
        QuantileConfig::new(f64::NAN),
        QuantileConfig::new(0.5).window(Duration::ZERO),
        QuantileConfig::new(0.5).minimum_samples(0),
    ] {
        assert!(config.check("hedge").is_err(), "{config:?}");
    }
}

proptest! {
    #[test]
    fn agrees_with_the_exact_quantile_within_a_percent(
        mut micros in prop::collection::vec(1_u64..50_000_000, 40..400),
        quantile in 0.5_f64..0.99,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let answer = runtime.block_on(async {
            let config = QuantileConfig::new(quantile).minimum_samples(1);
            let follower = LatencyQuantile::new(config).unwrap();
            for one in &micros {
                follower.record(Duration::from_micros(*one));
            }
            follower.value().unwrap().as_micros() as f64
        });
        micros.sort_unstable();
        let rank = (quantile * micros.len() as f64).ceil() as usize;
        let exact = micros[rank.clamp(1, micros.len()) - 1] as f64;
        prop_assert!(answer >= exact * 0.999 && answer <= exact * 1.011, "{answer} for {exact}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_beyond_the_end_of_time_never_forgets() {
    let config = QuantileConfig::new(0.9)
        .window(Duration::MAX)
        .minimum_samples(1);
    let latencies = LatencyQuantile::new(config).unwrap();
    latencies.record(millis(10));
    advance(Duration::from_secs(1_000_000)).await;
    latencies.record(millis(10));
    assert!(latencies.value().is_some_and(|value| value >= millis(10)));
}
