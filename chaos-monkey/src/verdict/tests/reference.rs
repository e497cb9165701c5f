//! Against a naive reference.

use proptest::prelude::*;

use super::*;

fn measured() -> impl Strategy<Value = Measured> {
    let results = [
        RequestResult::Full,
        RequestResult::Degraded,
        RequestResult::Failed,
    ]
    .to_vec();
    (
        0..20_000_000_i64,
        0..3_000_000_i64,
        proptest::sample::select(results),
        0..=100_u8,
        any::<bool>(),
    )
        .prop_map(
            |(intended, latency, result, percent, first_attempt)| Measured {
                intended,
                ended: intended + latency,
                journey: 0,
                result,
                first_attempt: first_attempt && result != RequestResult::Failed,
                harvest: if result == RequestResult::Failed {
                    0.0
                } else {
                    f32::from(percent) / 100.0
                },
            },
        )
}

/// The smallest latency that is not below the share of all of them, in milliseconds.
fn nearest_rank(requests: &[Measured], quantile: f64) -> f64 {
    let mut latencies: Vec<_> = requests
        .iter()
        .map(|request| request.latency().max(1))
        .collect();
    latencies.sort_unstable();
    let rank = (quantile * latencies.len() as f64).ceil().max(1.0) as usize;
    latencies[rank - 1] as f64 / 1_000.0
}

fn close(left: f64, right: f64, tolerance: f64) -> bool {
    (left - right).abs() <= tolerance
}

proptest! {
    #[test]
    fn numbers_are_those_of_a_naive_reference(
        requests in proptest::collection::vec(measured(), 1..400),
    ) {
        let numbers = Numbers::of(&requests);
        let all = requests.len() as f64;
        let usable: Vec<_> =
            requests.iter().filter(|request| request.result != RequestResult::Failed).collect();
        prop_assert!(close(numbers.yield_ratio.unwrap(), usable.len() as f64 / all, 1e-6));
        let first = requests.iter().filter(|request| request.first_attempt).count() as f64;
        prop_assert!(close(numbers.first_attempt_yield.unwrap(), first / all, 1e-6));
        if usable.is_empty() {
            prop_assert_eq!(numbers.harvest, None);
        } else {
            let sum: f64 = usable.iter().map(|request| f64::from(request.harvest)).sum();
            prop_assert!(close(numbers.harvest.unwrap(), sum / usable.len() as f64, 1e-6));
        }
        let latency = numbers.latency.unwrap();
        for (value, quantile) in
            [(latency.p50, 0.5), (latency.p95, 0.95), (latency.p99, 0.99), (latency.max, 1.0)]
        {
            let expected = nearest_rank(&requests, quantile);
            // Three digits are kept.
            prop_assert!(close(value, expected, expected * 0.001 + 0.001), "{value} {expected}");
        }
    }

    #[test]
    fn each_request_is_in_one_slot_and_one_phase(
        mut requests in proptest::collection::vec(measured(), 0..300),
        first_fault in proptest::option::of(0..20_000_000_i64),
    ) {
        requests.sort_by_key(|request| (request.intended, request.ended));
        let slots = slots::slots(&requests, 20 * SECOND);
        prop_assert_eq!(slots.len(), 200);
        let counted: u64 = slots.iter().map(|slot| slot.numbers.requests).sum();
        prop_assert_eq!(counted, requests.len() as u64);

        let recovered = first_fault.map(|fault| fault + SECOND);
        let phases = phases::Phases { first_fault, recovered, load_end: 21 * SECOND };
        for request in &requests {
            let phase = phases.of(request);
            let touched = first_fault.is_some_and(|fault| request.ended >= fault);
            prop_assert_eq!(phase == Phase::Before, !touched);
            let later = touched && recovered.is_some_and(|recovered| request.intended >= recovered);
            prop_assert_eq!(phase == Phase::After, later);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_order_of_neighbouring_lines_does_not_matter(swaps in proptest::collection::vec(1..2_000_usize, 0..40)) {
        let mut entries = passing().entries();
        let expected = fold(&entries).total;
        for swap in swaps {
            let both = entries.get(swap..swap + 2).unwrap_or_default();
            if both.iter().all(|entry| matches!(entry.record, Record::Request(_))) && both.len() == 2 {
                entries.swap(swap, swap + 1);
            }
        }
        prop_assert_eq!(fold(&entries).total, expected);
    }
}

#[test]
fn a_long_journal_folds() {
    let mut journal = Synthetic::new().set("/timeline/duration", json!("600s"));
    for fault in 0..50 {
        journal.kill(
            &format!("kills-{fault}"),
            (10 + fault * 10) * SECOND,
            "gateway/1",
        );
    }
    for index in 0..50_000 {
        let kind = if index % 100 == 0 {
            Kind::Degraded(POPULAR)
        } else {
            Kind::Full
        };
        journal.request(index * 12_000, 5 * MILLISECOND, kind);
    }
    journal.honest_generator();
    let run = fold(&journal.entries());
    assert_eq!(run.total.requests, 50_000);
    assert_eq!(run.slots.len(), 6_000);
    assert_eq!(run.total.degraded, 500);
}
