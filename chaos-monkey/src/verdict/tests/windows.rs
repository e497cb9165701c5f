use super::*;

#[test]
fn a_statement_with_a_window_is_judged_by_its_worst_one() {
    let mut journal = passing().set(
        "/steadyState/0",
        json!({
            "id": "answers", "metric": "yield", "window": "1s", "minimumSamples": 50,
            "tolerance": { "during": { "atLeast": 0.9 } },
        }),
    );
    for index in 0..20 {
        fail(
            &mut journal,
            6 * SECOND + 500_000 + index * MILLISECOND,
            Cause::Timeout,
        );
    }
    let (run, verdict) = judged(&journal);
    let judged = &run.steady_state[0].phases[0];
    // `during` begins at 4 s, so that 6.5 s lies in the window from 6 s: 100 of 120.
    assert_eq!(judged.windows.unwrap().worst_from_micros, Some(6 * SECOND));
    assert_eq!(
        (
            judged.windows.unwrap().judged,
            judged.windows.unwrap().broken
        ),
        (7, 1)
    );
    assert_eq!(judged.value, Some(0.833_333));
    assert_eq!(verdict.outcome, Outcome::Failed);
}

#[test]
fn a_statement_of_one_journey_looks_at_nothing_else() {
    let mut journal = passing().set(
        "/steadyState/0",
        json!({
            "id": "titles", "metric": "yield", "journey": "title",
            "tolerance": { "during": { "atLeast": 1.0 } },
        }),
    );
    for index in 0..400 {
        fail(
            &mut journal,
            6 * SECOND + index * MILLISECOND,
            Cause::Timeout,
        );
    }
    let (run, verdict) = judged(&journal);
    assert_eq!(verdict.outcome, Outcome::Failed);
    let titles = run.phase(Phase::During).unwrap().numbers.requests / 4;
    assert_eq!(run.steady_state[0].phases[0].samples, titles);
}

#[test]
fn the_live_window_looks_at_what_has_ended_lately() {
    let mut fold = Fold::new();
    let mut journal = passing();
    fail(&mut journal, 9 * SECOND, Cause::Timeout);
    let until = 9 * SECOND + 500_000;
    for entry in journal.entries().iter().filter(|entry| entry.at <= until) {
        fold.push(entry);
    }
    let window = |metric, journey, seconds| {
        fold.window(
            metric,
            journey,
            until,
            std::time::Duration::from_secs(seconds),
        )
    };
    assert_eq!(
        window(Metric::Yield, None, 1),
        Sample {
            value: Some(0.990_099),
            samples: 101
        }
    );
    assert_eq!(
        window(Metric::Harvest, None, 1),
        Sample {
            value: Some(0.7),
            samples: 100
        }
    );
    assert_eq!(
        window(Metric::Yield, Some("nobody's"), 1),
        Sample {
            value: None,
            samples: 0
        }
    );
    assert_eq!(
        window(Metric::Yield, None, 0),
        Sample {
            value: None,
            samples: 0
        }
    );
    assert_eq!(
        window(Metric::Yield, None, 60).samples,
        fold.run().total.requests
    );
}

#[test]
fn the_steady_state_before_can_be_asked_for_while_it_runs() {
    let entries = passing().entries();
    let until = |limit: i64| {
        let mut fold = Fold::new();
        entries
            .iter()
            .filter(|entry| entry.at < limit)
            .for_each(|entry| fold.push(entry));
        fold.steady_state_before()
    };
    assert!(until(0).is_err(), "no samples yet");
    assert_eq!(until(4 * SECOND), Ok(()));
}
