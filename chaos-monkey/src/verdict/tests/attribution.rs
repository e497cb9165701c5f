use super::*;

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
