//! `junit.xml`: what CI systems show. One case per thing that could have gone wrong.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::text;
use crate::schema::Phase;
use crate::verdict::{
    Outcome, Reason, ReasonKind, RecoveryStatus, Run, StatementPhase, StatementRun,
    StatementStatus, Verdict, words,
};

/// The verdict as JUnit XML. What failed is a failure; what makes a run aborted or inconclusive is
/// an error; what was not reached is skipped.
pub fn junit(run: &Run, verdict: &Verdict) -> String {
    let mut report = Report::new(format!("game day {}", text::title(run)));
    report.set_time(Duration::from_micros(
        run.load_ended_micros.max(0).unsigned_abs(),
    ));
    let suites = [
        suite("evidence", evidence(verdict)),
        suite("steady state", steady_state(run)),
        suite("recovery", recovery(run, verdict)),
        suite("instances", instances(run, verdict)),
        suite("read back", read_back(run, verdict)),
    ];
    report.add_test_suites(suites.into_iter().filter(|suite| suite.tests > 0));
    // Cannot fail: text is written into memory, and what XML forbids was removed from it.
    report.to_string().unwrap_or_default()
}

fn suite(name: &str, cases: Vec<TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    for mut case in cases {
        case.set_classname(format!("game-day.{name}"));
        suite.add_test_case(case);
    }
    suite
}

/// A case that succeeds if no reason speaks against it.
fn case<'a>(name: impl Into<String>, against: impl Iterator<Item = &'a Reason>) -> TestCase {
    let against: Vec<_> = against.collect();
    let Some(first) = against.first() else {
        return TestCase::new(name.into(), TestCaseStatus::success());
    };
    let kind = match first.outcome {
        Outcome::Failed => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    };
    let texts: Vec<_> = against.iter().map(|reason| reason.text.as_str()).collect();
    not_success(name.into(), kind, first.outcome, &texts.join("\n"))
}

fn not_success(name: String, kind: NonSuccessKind, outcome: Outcome, text: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(text).set_type(outcome.as_str());
    TestCase::new(name, status)
}

fn skipped(name: String, why: &str) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    TestCase::new(name, status)
}

fn evidence(verdict: &Verdict) -> Vec<TestCase> {
    use ReasonKind::{
        AbortCondition, Generator, IncompleteJournal, Interrupted, LostRecords, NothingBroken,
        ZeroSamples,
    };
    let cases: [(&str, &[ReasonKind]); 5] = [
        (
            "the game day was not ended early",
            &[AbortCondition, Interrupted],
        ),
        ("the journal is complete", &[IncompleteJournal, LostRecords]),
        ("there were requests", &[ZeroSamples]),
        ("the load generator kept its promises", &[Generator]),
        ("the planned faults could be carried out", &[NothingBroken]),
    ];
    cases
        .into_iter()
        .map(|(name, kinds)| {
            case(
                name,
                verdict
                    .reasons
                    .iter()
                    .filter(|reason| kinds.contains(&reason.kind)),
            )
        })
        .collect()
}

fn steady_state(run: &Run) -> Vec<TestCase> {
    run.steady_state
        .iter()
        .flat_map(|statement| {
            statement
                .phases
                .iter()
                .map(|phase| statement_case(statement, phase))
        })
        .collect()
}

fn statement_case(statement: &StatementRun, phase: &StatementPhase) -> TestCase {
    let metric = statement.statement.metric;
    let name = format!("{} {}", statement.statement.id, words::phase(phase.phase));
    let text = format!(
        "{}: {}, tolerated is {}",
        text::measured(statement),
        text::judged(metric, phase),
        words::bound(metric, phase.bound),
    );
    match (phase.status, phase.phase) {
        (StatementStatus::Held, _) => {
            let mut case = TestCase::new(name, TestCaseStatus::success());
            case.set_system_out(text);
            case
        }
        (StatementStatus::Broken, Phase::During | Phase::After) => {
            not_success(name, NonSuccessKind::Failure, Outcome::Failed, &text)
        }
        (StatementStatus::NotReached, Phase::During | Phase::After) => {
            skipped(name, "the phase was not reached")
        }
        _ => not_success(name, NonSuccessKind::Error, Outcome::Inconclusive, &text),
    }
}

fn recovery(run: &Run, verdict: &Verdict) -> Vec<TestCase> {
    run.executed()
        .into_iter()
        .map(|fault| {
            let name = format!("recovery from {}", fault.id);
            if let Some(closing) = &fault.merged_into {
                return skipped(name, &format!("judged together with {closing}"));
            }
            let too_short = run.recoveries.iter().any(|recovery| {
                recovery.status == RecoveryStatus::TooShort
                    && recovery.faults.last() == Some(&fault.id)
            });
            let kind = if too_short {
                ReasonKind::TooFewSamples
            } else {
                ReasonKind::Recovery
            };
            case(name, about(verdict, kind, &fault.id))
        })
        .collect()
}

fn instances(run: &Run, verdict: &Verdict) -> Vec<TestCase> {
    run.instances
        .iter()
        .map(|instance| {
            let instance = instance.instance.to_string();
            let name = format!("{instance} did not end by itself");
            case(name, about(verdict, ReasonKind::UnplannedEnd, &instance))
        })
        .collect()
}

fn read_back(run: &Run, verdict: &Verdict) -> Vec<TestCase> {
    run.read_back
        .iter()
        .map(|promises| {
            let against = about(verdict, ReasonKind::ReadBack, &promises.name).chain(about(
                verdict,
                ReasonKind::ReadBackMissing,
                &promises.name,
            ));
            case(format!("{} were kept", promises.name), against)
        })
        .collect()
}

fn about<'a>(
    verdict: &'a Verdict,
    kind: ReasonKind,
    subject: &'a str,
) -> impl Iterator<Item = &'a Reason> {
    verdict
        .reasons
        .iter()
        .filter(move |reason| reason.kind == kind && reason.subject == subject)
}
