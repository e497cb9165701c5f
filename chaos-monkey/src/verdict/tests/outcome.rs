use super::*;

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
