use super::*;
use crate::agent::cluster::OwnerName;
use crate::schema::{AgentSpec, OwnerKind, PerOwner, PublishedSettings, Rhythm, Span};

fn now() -> Timestamp {
    "2026-03-23T12:00:00Z".parse().unwrap()
}

fn entry(kill: &str, hours: i64) -> LedgerEntry {
    LedgerEntry {
        kill: kill.to_owned(),
        occasion: kill.to_owned(),
        owner: OwnerName {
            namespace: "shop".to_owned(),
            kind: OwnerKind::Deployment,
            name: "web".to_owned(),
        },
        pod: "web-1".to_owned(),
        pod_uid: "uid".to_owned(),
        at: now() - SignedDuration::from_hours(hours),
        not_after: now() - SignedDuration::from_hours(hours),
        outcome: None,
        is_whole: false,
    }
}

fn ledger(kills: Vec<LedgerEntry>) -> KillLedgerSpec {
    KillLedgerSpec {
        kills,
        ..KillLedgerSpec::default()
    }
}

fn names(ledger: &KillLedgerSpec) -> Vec<&str> {
    ledger
        .kills
        .iter()
        .map(|entry| entry.kill.as_str())
        .collect()
}

#[test]
fn only_what_is_proven_harmless_is_released() {
    for (outcome, stays) in [
        (KillOutcome::Killed, true),
        (KillOutcome::Unknown, true),
        (KillOutcome::Refused, false),
        (KillOutcome::NotSent, false),
    ] {
        let mut ledger = ledger(vec![entry("a", 0), entry("b", 0)]);
        settle(&mut ledger, "a", outcome);
        let expected = if stays { vec!["a", "b"] } else { vec!["b"] };
        assert_eq!(names(&ledger), expected, "{outcome:?}");
        assert_eq!(ledger.kills[0].outcome, stays.then_some(outcome));
    }
}

#[test]
fn what_some_agent_still_counts_is_kept() {
    let agent = |workdays: u32| PublishedSettings {
        seed: 1,
        settings: AgentSpec {
            schedule: crate::schema::Schedule {
                rhythm: Rhythm::PerOwner(PerOwner {
                    mean_time: 5,
                    minimum_time: workdays,
                }),
                ..Default::default()
            },
            ..AgentSpec::default()
        },
    };
    let settled = |kill: &str, hours: i64| LedgerEntry {
        outcome: Some(KillOutcome::Killed),
        is_whole: true,
        ..entry(kill, hours)
    };
    let all = || {
        vec![
            settled("new", 23),
            settled("old", 25),
            settled("older", 24 * 60),
            entry("open", 24 * 60),
        ]
    };
    let mut one = ledger(all());
    one.agents.insert("short".to_owned(), agent(0));
    prune(&mut one, now());
    assert_eq!(names(&one), ["new", "open"]);
    let mut two = ledger(all());
    two.agents.insert("short".to_owned(), agent(0));
    two.agents.insert("long".to_owned(), agent(1));
    prune(&mut two, now());
    assert_eq!(names(&two), ["new", "old", "open"]);
    let mut nobody = ledger(all());
    prune(&mut nobody, now());
    assert_eq!(names(&nobody).len(), 4);
}

#[test]
fn the_window_covers_the_longest_guard() {
    let mut spec = AgentSpec::default();
    spec.schedule.rhythm = Rhythm::PerOwner(PerOwner {
        mean_time: 5,
        minimum_time: 0,
    });
    let window_of = |spec: &AgentSpec| window(&Rules::of(spec).unwrap());
    assert_eq!(window_of(&spec), SignedDuration::from_hours(24));
    spec.guards.cool_down = Span::from_secs(3 * 86_400);
    assert_eq!(window_of(&spec), SignedDuration::from_hours(72));
}
