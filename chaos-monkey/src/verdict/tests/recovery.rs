use super::*;

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
