use serde_json::json;

use super::synthetic::{Kind, MILLISECOND, POPULAR, SECOND, Synthetic, instance, passing};
use super::*;
use crate::journal::{Cause, Entry, LostWhat, Record, RequestResult};
use crate::schema::{Metric, Phase};

fn judged(journal: &Synthetic) -> (Run, Verdict) {
    let run = fold(&journal.entries());
    let verdict = judge(&run);
    (run, verdict)
}

fn kinds(verdict: &Verdict) -> Vec<ReasonKind> {
    verdict.reasons.iter().map(|reason| reason.kind).collect()
}

fn fail(journal: &mut Synthetic, at: i64, cause: Cause) {
    journal.request(at, 10 * MILLISECOND, Kind::Failed(cause));
}

// === Verdict ===

#[test]
fn a_run_in_which_everything_holds_passes() {
    let (run, verdict) = judged(&passing());
    assert_eq!(verdict.outcome, Outcome::Passed, "{:#?}", verdict.reasons);
    assert_eq!(verdict.reasons, []);
    assert_eq!(
        verdict.proof,
        "4 instances of 3 services were killed; users noticed 0 of 2,001 requests"
    );
    assert_eq!(
        (run.total.full, run.total.degraded, run.total.failed),
        (1_701, 300, 0)
    );
    assert_eq!(run.total.yield_ratio, Some(1.0));
    assert_eq!(run.total.first_attempt_yield, Some(0.9995));
    // 1,701 full answers and 300 with 70 %.
    assert_eq!(run.total.harvest, Some(0.955_022));
    assert_eq!(run.kills(), 4);
}

#[test]
fn too_many_failures_under_faults_fail() {
    let mut journal = passing();
    for index in 0..30 {
        fail(
            &mut journal,
            4 * SECOND + index * 20 * MILLISECOND,
            Cause::Refused,
        );
    }
    let (run, verdict) = judged(&journal);
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert_eq!(kinds(&verdict), [ReasonKind::SteadyState]);
    assert_eq!(
        run.failed_by_cause,
        [CauseCount {
            cause: "refused".to_owned(),
            requests: 30
        }]
    );
    assert!(
        verdict.reasons[0]
            .text
            .starts_with("answers: yield during was 95.89 %"),
        "{verdict:?}"
    );
}

#[test]
fn a_failure_before_anything_is_broken_is_inconclusive() {
    let mut journal = passing();
    fail(&mut journal, 2 * SECOND, Cause::Status(503));
    let (run, verdict) = judged(&journal);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert_eq!(kinds(&verdict), [ReasonKind::SteadyStateBefore]);
    assert_eq!(run.unexplained_failed, 1);
}

#[test]
fn a_request_that_the_first_fault_can_have_touched_is_not_before() {
    let mut journal = passing();
    journal.request(
        4 * SECOND - 5 * MILLISECOND,
        50 * MILLISECOND,
        Kind::Failed(Cause::Reset),
    );
    let (run, verdict) = judged(&journal);
    assert_eq!(verdict.outcome, Outcome::Passed);
    assert_eq!(run.phase(Phase::Before).unwrap().numbers.failed, 0);
    assert_eq!(run.phase(Phase::During).unwrap().numbers.failed, 1);
    assert_eq!(
        run.troubled
            .iter()
            .find(|request| request.cause.is_some())
            .unwrap()
            .faults,
        ["kills-1"]
    );
}

#[test]
fn an_unplanned_end_of_an_instance_fails() {
    let mut journal = passing();
    let down = Record::InstanceDown {
        instance: instance("gateway/0"),
        pid: 3,
        how: "exit 101".to_owned(),
        fault: None,
    };
    journal.add(5 * SECOND, down);
    let (run, verdict) = judged(&journal);
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert_eq!(kinds(&verdict), [ReasonKind::UnplannedEnd]);
    assert_eq!(
        verdict.reasons[0].text,
        "gateway/0 ended by itself (exit 101) at 5.0 s"
    );
    assert_eq!(run.kills(), 4);
}

#[test]
fn an_instance_that_is_stopped_after_the_load_has_not_ended_by_itself() {
    let mut journal = passing();
    let stopped = Record::InstanceStopped {
        instance: instance("gateway/0"),
        pid: 3,
        how: "exit 0".to_owned(),
    };
    journal.add(21 * SECOND, stopped);
    assert_eq!(judged(&journal).1.outcome, Outcome::Passed);
}

fn read_back(checked: u64, missing: u64) -> Record {
    Record::ReadBack {
        name: "positions".to_owned(),
        checked,
        missing: (0..missing).map(|index| format!("user/{index}")).collect(),
        missing_count: missing,
    }
}

fn with_promises() -> Synthetic {
    passing().with(
        "readBack",
        json!({ "positions": { "request": { "path": "/positions" }, "value": { "json": "/sequence" } } }),
    )
}

#[test]
fn promises_must_be_read_back_and_kept() {
    let verdict_of = |records: &[Record]| {
        let mut journal = with_promises();
        for record in records {
            journal.add(20 * SECOND + 150, record.clone());
        }
        let verdict = judged(&journal).1;
        (verdict.outcome, kinds(&verdict))
    };
    assert_eq!(verdict_of(&[read_back(50, 0)]), (Outcome::Passed, vec![]));
    assert_eq!(
        verdict_of(&[read_back(50, 1)]),
        (Outcome::Failed, vec![ReasonKind::ReadBack])
    );
    let missing = (Outcome::Inconclusive, vec![ReasonKind::ReadBackMissing]);
    assert_eq!(verdict_of(&[]), missing);
    assert_eq!(verdict_of(&[read_back(0, 0)]), missing);
}

#[test]
fn damaged_evidence_is_inconclusive() {
    let outcome = |entries: &[Entry]| {
        let verdict = judge(&fold(entries));
        (verdict.outcome, kinds(&verdict))
    };
    let inconclusive = |kind| (Outcome::Inconclusive, vec![kind]);

    assert_eq!(
        outcome(&passing().torn()),
        inconclusive(ReasonKind::IncompleteJournal)
    );

    let mut shortened = passing().entries();
    shortened.remove(100);
    assert_eq!(
        outcome(&shortened),
        inconclusive(ReasonKind::IncompleteJournal)
    );

    let mut lossy = passing();
    lossy.add(
        9 * SECOND,
        Record::Lost {
            what: LostWhat::QueueFull,
            count: 1,
        },
    );
    assert_eq!(
        outcome(&lossy.entries()),
        inconclusive(ReasonKind::LostRecords)
    );

    assert_eq!(outcome(&passing().entries()[1..]).0, Outcome::Inconclusive);
    assert_eq!(outcome(&[]).0, Outcome::Inconclusive);
}

#[test]
fn a_generator_that_measured_itself_is_inconclusive() {
    let outcome = |due, late, capped| {
        let mut journal = passing();
        journal.add(20 * SECOND + 101, Record::Generator { due, late, capped });
        let verdict = judged(&journal).1;
        (verdict.outcome, kinds(&verdict))
    };
    assert_eq!(outcome(2_000, 20, 0), (Outcome::Passed, vec![]));
    assert_eq!(
        outcome(2_000, 21, 0),
        (Outcome::Inconclusive, vec![ReasonKind::Generator])
    );
    assert_eq!(
        outcome(2_000, 0, 1),
        (Outcome::Inconclusive, vec![ReasonKind::Generator])
    );

    let mut silent = Synthetic::new();
    silent.requests(0, 20 * SECOND, Kind::Full);
    assert_eq!(kinds(&judged(&silent).1), [ReasonKind::Generator]);
}

#[test]
fn without_a_single_request_nothing_is_concluded() {
    let mut journal = Synthetic::new()
        .without_faults()
        .set("/steadyState", json!([]));
    journal.honest_generator();
    let (run, verdict) = judged(&journal);
    assert_eq!(kinds(&verdict), [ReasonKind::ZeroSamples]);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert_eq!(
        (run.total.yield_ratio, run.total.harvest, run.total.latency),
        (None, None, None)
    );
}

#[test]
fn requests_from_before_the_load_do_not_count() {
    let mut journal = passing();
    journal.request(-SECOND, 10, Kind::Failed(Cause::Timeout));
    assert_eq!(judged(&journal).0.total.requests, 2_001);
}

#[test]
fn aborted_outranks_inconclusive_which_outranks_failed() {
    let mut journal = passing().with(
        "abort",
        json!([{
            "id": "blackout", "metric": "yield", "window": "2s", "unless": { "atLeast": 0.5 },
        }]),
    );
    for index in 0..100 {
        fail(
            &mut journal,
            6 * SECOND + index * MILLISECOND,
            Cause::Timeout,
        );
    }
    assert_eq!(judged(&journal).1.outcome, Outcome::Failed);

    journal.add(
        7 * SECOND,
        Record::Lost {
            what: LostWhat::WriteFailed,
            count: 3,
        },
    );
    let verdict = judged(&journal).1;
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert_eq!(
        kinds(&verdict),
        [ReasonKind::LostRecords, ReasonKind::SteadyState]
    );

    journal.add(
        7 * SECOND,
        Record::Abort {
            condition: "blackout".to_owned(),
            value: 0.31,
        },
    );
    let verdict = judged(&journal).1;
    assert_eq!(verdict.outcome, Outcome::Aborted);
    assert_eq!(
        verdict.reasons[0].text,
        "blackout: yield was 31.00 %, tolerated is at least 50.00 % at 7.0 s"
    );
}

#[test]
fn an_interrupted_run_is_aborted() {
    let mut journal = passing();
    journal.add(
        12 * SECOND,
        Record::Interrupted {
            by: "ctrl-c".to_owned(),
        },
    );
    assert_eq!(judged(&journal).1.outcome, Outcome::Aborted);
}

#[test]
fn too_few_samples_are_inconclusive_only_where_nothing_failed() {
    let few = |journal: Synthetic| journal.set("/steadyState/0/minimumSamples", json!(1_000));
    let (run, verdict) = judged(&few(passing()));
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    // 400 requests before, 701 during, 900 after.
    assert_eq!(
        kinds(&verdict),
        [
            ReasonKind::SteadyStateBefore,
            ReasonKind::TooFewSamples,
            ReasonKind::TooFewSamples
        ]
    );
    assert_eq!(run.steady_state[0].phases[1].samples, 701);

    let mut journal = passing()
        .set(
            "/steadyState/0/tolerance",
            json!({ "after": { "atLeast": 1.0 } }),
        )
        .set("/steadyState/0/minimumSamples", json!(1_000));
    assert_eq!(judged(&journal).1.outcome, Outcome::Inconclusive);
    journal.add(
        5 * SECOND,
        Record::InstanceDown {
            instance: instance("metadata/1"),
            pid: 3,
            how: "exit 1".to_owned(),
            fault: None,
        },
    );
    assert_eq!(judged(&journal).1.outcome, Outcome::Failed);
}

#[test]
fn faults_that_never_happened_prove_nothing() {
    let mut journal = Synthetic::new();
    journal.plan("kills-1", "kill", 4 * SECOND, &["gateway/0"]);
    journal.add(
        4 * SECOND,
        Record::FaultVetoed {
            fault: "kills-1".to_owned(),
            guard: "haltFile".to_owned(),
            reason: "the halt file exists".to_owned(),
        },
    );
    journal
        .requests(0, 20 * SECOND, Kind::Full)
        .honest_generator();
    let (run, verdict) = judged(&journal);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert_eq!(kinds(&verdict), [ReasonKind::NothingBroken]);
    assert!(matches!(
        run.faults[0].prevented,
        Some(Prevented::Vetoed { .. })
    ));

    journal = journal.without_faults();
    assert_eq!(
        judged(&journal).1.outcome,
        Outcome::Passed,
        "a control run breaks nothing"
    );
}

// === Windows ===

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

// === Recovery ===

#[test]
fn recovery_counts_from_the_end_of_the_last_fault_of_an_episode() {
    let (run, _) = judged(&passing());
    let recoveries: Vec<_> = run
        .recoveries
        .iter()
        .map(|recovery| {
            (
                recovery.faults.join(" "),
                recovery.after_micros,
                recovery.status,
            )
        })
        .collect();
    // Between the first kill's end at 5 s and the second at 6 s, and between 7 s and 8 s, there
    // are no 2 s; the harvest is back at 11 s, one second after the outage.
    let expected = (
        "kills-1 kills-2 gone".to_owned(),
        Some(SECOND),
        RecoveryStatus::Recovered,
    );
    assert_eq!(recoveries, [expected]);
    assert_eq!(run.faults[0].merged_into.as_deref(), Some("gone"));
    assert_eq!(run.faults[2].recovered_after_micros, Some(SECOND));
    assert_eq!(run.phase(Phase::During).unwrap().to_micros, 11 * SECOND);
}

#[test]
fn faults_with_time_between_them_recover_each_on_its_own() {
    let mut journal = Synthetic::new();
    journal
        .kill("kills-1", 4 * SECOND, "gateway/1")
        .kill("kills-2", 8 * SECOND, "gateway/0");
    journal
        .requests(0, 20 * SECOND, Kind::Full)
        .honest_generator();
    let (run, verdict) = judged(&journal);
    assert_eq!(run.recoveries.len(), 2);
    assert!(
        run.recoveries
            .iter()
            .all(|recovery| recovery.after_micros == Some(0))
    );
    assert_eq!(verdict.outcome, Outcome::Passed);
}

fn degraded_until(end: i64) -> Synthetic {
    let mut journal = Synthetic::new();
    journal.kill("kills-1", 4 * SECOND, "recommendations/1");
    journal.requests(0, 4 * SECOND, Kind::Full);
    journal.requests(4 * SECOND, end, Kind::Degraded(POPULAR));
    journal
        .requests(end, 20 * SECOND, Kind::Full)
        .honest_generator();
    journal
}

#[test]
fn a_late_recovery_fails_and_so_does_none() {
    // The kill ends at 5 s, the limit is 5 s.
    assert_eq!(
        judged(&degraded_until(10 * SECOND)).1.outcome,
        Outcome::Passed
    );
    let (run, verdict) = judged(&degraded_until(12 * SECOND));
    assert_eq!(
        (verdict.outcome, kinds(&verdict)),
        (Outcome::Failed, vec![ReasonKind::Recovery])
    );
    // A mean harvest of 0.99 over 2 s tolerates 66 ms of degraded answers: none of a whole slot.
    assert_eq!(run.recoveries[0].after_micros, Some(7 * SECOND));
    let (run, verdict) = judged(&degraded_until(20 * SECOND));
    assert_eq!(
        (verdict.outcome, kinds(&verdict)),
        (Outcome::Failed, vec![ReasonKind::Recovery])
    );
    assert_eq!(run.recoveries[0].status, RecoveryStatus::NotRecovered);
    assert_eq!(run.recoveries[0].broken, ["complete"]);
    assert!(run.phase(Phase::After).is_none());
    assert_eq!(
        run.steady_state[0].phases[2].status,
        StatementStatus::NotReached
    );
}

#[test]
fn harvest_must_recover_even_where_no_statement_speaks_of_it() {
    let journal = degraded_until(20 * SECOND).set("/steadyState/1/metric", json!("yield"));
    let run = judged(&journal).0;
    assert_eq!(run.recoveries[0].broken, ["harvest as before"]);
}

#[test]
fn a_load_that_ends_too_soon_after_a_fault_is_inconclusive() {
    let mut journal = Synthetic::new();
    journal.kill("kills-1", 18 * SECOND, "gateway/1");
    journal
        .requests(0, 20 * SECOND, Kind::Full)
        .honest_generator();
    let (run, verdict) = judged(&journal);
    assert_eq!(run.recoveries[0].status, RecoveryStatus::TooShort);
    assert_eq!(
        (verdict.outcome, kinds(&verdict)),
        (Outcome::Inconclusive, vec![ReasonKind::TooFewSamples])
    );
}

// === Attribution ===

#[test]
fn requests_name_the_faults_that_overlap_them() {
    let mut journal = Synthetic::new();
    journal
        .requests(0, 20 * SECOND, Kind::Full)
        .honest_generator();
    // Ready again at 5.3 s, so that the reach ends at 7.3 s.
    journal.kill("kills-1", 4 * SECOND, "gateway/1");
    journal.kill("kills-2", 7 * SECOND, "metadata/1");
    for (at, latency) in [
        (3 * SECOND, 500 * MILLISECOND),
        (3 * SECOND, 1_500 * MILLISECOND),
        (5 * SECOND, 10 * MILLISECOND),
        (7 * SECOND + 200_000, 10 * MILLISECOND),
        (7 * SECOND + 400_000, 10 * MILLISECOND),
        (15 * SECOND, 10 * MILLISECOND),
    ] {
        journal.request(at, latency, Kind::Failed(Cause::Timeout));
    }
    let (run, _) = judged(&journal);
    let named: Vec<_> = run
        .troubled
        .iter()
        .map(|request| (request.intended / 100_000, request.faults.join(" ")))
        .collect();
    let named: Vec<_> = named
        .iter()
        .map(|(at, faults)| (*at, faults.as_str()))
        .collect();
    assert_eq!(
        named,
        [
            (30, ""),
            (30, "kills-1"),
            (50, "kills-1"),
            (72, "kills-1 kills-2"),
            (74, "kills-2"),
            (150, ""),
        ]
    );
    assert_eq!(run.unexplained_failed, 2);
    assert_eq!(
        (run.faults[0].requests_failed, run.faults[1].requests_failed),
        (3, 2)
    );
    assert_eq!(run.faults[0].ready_micros, Some(5 * SECOND + 300_000));
    assert_eq!(run.faults[0].reach_micros, Some(7 * SECOND + 300_000));
}

#[test]
fn a_fault_whose_victim_never_comes_back_reaches_to_the_end() {
    let mut journal = Synthetic::new();
    let victims = vec![instance("gateway/1")];
    journal.plan("pause-1", "pause", 4 * SECOND, &["gateway/1"]);
    journal.add(
        4 * SECOND,
        Record::FaultBegan {
            fault: "pause-1".to_owned(),
            kind: "pause".to_owned(),
            victims,
        },
    );
    journal.add(
        4 * SECOND,
        Record::InstancePaused {
            instance: instance("gateway/1"),
            fault: "pause-1".to_owned(),
        },
    );
    journal
        .requests(0, 20 * SECOND, Kind::Full)
        .honest_generator();
    fail(&mut journal, 19 * SECOND, Cause::Timeout);
    let (run, verdict) = judged(&journal);
    assert_eq!(run.troubled[0].faults, ["pause-1"]);
    assert_eq!(run.pauses(), 1);
    assert!(
        verdict
            .proof
            .starts_with("1 instance of 1 service was paused;"),
        "{}",
        verdict.proof
    );
}

#[test]
fn a_fault_that_could_not_be_carried_out_has_ended_and_reaches_nobody() {
    let mut journal = passing();
    journal.plan("kills-3", "kill", 14 * SECOND, &["gateway/0"]);
    let victims = vec![instance("gateway/0")];
    journal.add(
        14 * SECOND,
        Record::FaultBegan {
            fault: "kills-3".to_owned(),
            kind: "kill".to_owned(),
            victims,
        },
    );
    journal.add(
        14 * SECOND + 10,
        Record::FaultFailed {
            fault: "kills-3".to_owned(),
            reason: "no such process".to_owned(),
        },
    );
    let (run, verdict) = judged(&journal);
    assert_eq!(
        (verdict.outcome, kinds(&verdict)),
        (Outcome::Inconclusive, vec![ReasonKind::NothingBroken])
    );
    assert_eq!(run.faults[3].ended_micros, Some(14 * SECOND + 10));
    assert_eq!(run.faults[3].ready_micros, Some(14 * SECOND));
}

#[test]
fn what_is_degraded_just_after_the_recovery_is_still_explained() {
    let mut journal = passing();
    // The steady state is back at 11 s, whatever one request more or less says.
    journal.request(11 * SECOND + 500_000, 10, Kind::Degraded(POPULAR));
    journal.request(13 * SECOND + 500_000, 10, Kind::Degraded(POPULAR));
    let (run, _) = judged(&journal);
    assert_eq!(run.faults[2].recovered_after_micros, Some(SECOND));
    assert_eq!(run.unexplained_degraded, 1);
}

// === Words ===

#[test]
fn numbers_read_the_same_everywhere() {
    assert_eq!(words::count(0), "0");
    assert_eq!(words::count(999), "999");
    assert_eq!(words::count(1_234_567), "1,234,567");
    assert_eq!(words::percent(1.0), "100 %");
    assert_eq!(
        words::percent(0.999_999),
        "99.99 %",
        "only all of them are 100 %"
    );
    assert_eq!(words::percent(0.29), "29.00 %");
    assert_eq!(words::percent(0.0), "0.00 %");
    assert_eq!(words::percent(0.000_01), "< 0.01 %");
    assert_eq!(words::milliseconds(4.25), "4.2 ms");
    assert_eq!(words::milliseconds(250.0), "250 ms");
    assert_eq!(words::milliseconds(1_250.0), "1.25 s");
    assert_eq!(
        words::moment("2026-01-02T03:04:05.123Z"),
        "2026-01-02 03:04:05 UTC"
    );
    assert_eq!(words::moment("yesterday"), "yesterday");
}

// === Instances, degradations, breakers ===

#[test]
fn the_life_of_an_instance_is_told() {
    let (run, _) = judged(&passing());
    let gateway = &run.instances[1];
    assert_eq!(gateway.instance, instance("gateway/1"));
    assert_eq!(
        (gateway.kills, gateway.restarts, gateway.unplanned_ends),
        (1, 1, 0)
    );
    assert_eq!(gateway.ready_after_micros, [300_000, 300_000]);
    assert_eq!(gateway.peak_memory_bytes, Some(30 << 20));
    let states: Vec<_> = gateway
        .states
        .iter()
        .map(|span| (span.from, span.state))
        .collect();
    assert_eq!(
        states,
        [
            (-2 * SECOND, InstanceState::Starting),
            (-1_700_000, InstanceState::Up),
            (4_001_000, InstanceState::Down),
            (5 * SECOND, InstanceState::Starting),
            (5_300_000, InstanceState::Up),
        ]
    );
}

#[test]
fn degradations_are_counted_by_what_was_replaced() {
    let (run, _) = judged(&passing());
    assert_eq!(
        run.degradations,
        [DegradationCount {
            dependency: "recommendations".to_owned(),
            reason: "open".to_owned(),
            stood_in: "popular".to_owned(),
            requests: 300,
            mean_weight: 0.3,
        }]
    );
    assert_eq!(run.unexplained_degraded, 0);
    assert_eq!(run.breakers.len(), 2);
    assert_eq!(run.breakers[0].to, "open");
}

#[test]
fn the_live_picture_shows_what_is_broken_now() {
    let mut fold = Fold::new();
    for entry in passing()
        .entries()
        .iter()
        .filter(|entry| entry.at < 9 * SECOND)
    {
        fold.push(entry);
    }
    let live = fold.live(9 * SECOND);
    assert_eq!(live.broken.len(), 1);
    assert_eq!(live.broken[0].fault, "gone");
    assert_eq!(live.kills, 4);
    assert_eq!(
        live.breakers,
        [(
            instance("gateway/0"),
            "recommendations".to_owned(),
            "open".to_owned()
        )]
    );
    assert!((live.rate - 100.0).abs() < 1.0);
    let down = live
        .instances
        .iter()
        .filter(|instance| instance.state == InstanceState::Down);
    assert_eq!(down.count(), 2);
}

#[test]
fn a_fault_is_over_although_its_victim_was_hit_again() {
    let mut journal = Synthetic::new();
    journal.kill("kills-1", 4 * SECOND, "gateway/1");
    journal.kill("kills-2", 8 * SECOND, "gateway/1");
    let mut fold = Fold::new();
    for entry in journal
        .entries()
        .iter()
        .filter(|entry| entry.at < 9 * SECOND)
    {
        fold.push(entry);
    }
    let broken = fold.live(9 * SECOND).broken;
    let broken: Vec<_> = broken.iter().map(|broken| broken.fault.as_str()).collect();
    assert_eq!(broken, ["kills-2"]);
}

// === Against a naive reference ===

mod reference {
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
