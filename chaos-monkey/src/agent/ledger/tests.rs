use super::*;
use crate::agent::cluster::OwnerName;
use crate::schema::{AgentSpec, OwnerKind, PerOwner, PublishedSettings, Rhythm, Span};

fn now() -> Timestamp {
    "2026-03-23T12:00:00Z".parse().unwrap()
}

fn entry(kill: &str, hours: i64) -> LedgerEntry {
    LedgerEntry {
        kill: kill.to_owned(),
        agent: "platform".to_owned(),
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
        settle(&mut ledger, &entry("a", 0), outcome);
        let expected = if stays { vec!["a", "b"] } else { vec!["b"] };
        assert_eq!(names(&ledger), expected, "{outcome:?}");
        assert_eq!(ledger.kills[0].outcome, stays.then_some(outcome));
    }
}

#[test]
fn what_counts_is_put_in_again() {
    let mut ledger = ledger(vec![entry("b", 0)]);
    settle(&mut ledger, &entry("a", 0), KillOutcome::Unknown);
    assert_eq!(names(&ledger), ["b", "a"]);
    assert_eq!(ledger.kills[1].outcome, Some(KillOutcome::Unknown));
    settle(&mut ledger, &entry("c", 0), KillOutcome::Refused);
    assert_eq!(names(&ledger), ["b", "a"]);
}

fn with_minimum_time(workdays: u32) -> AgentSpec {
    let mut spec = AgentSpec::default();
    spec.schedule.rhythm = Rhythm::PerOwner(PerOwner {
        mean_time: 5,
        minimum_time: workdays,
    });
    spec
}

fn rules(spec: &AgentSpec) -> Rules {
    Rules::of(spec).unwrap()
}

fn settled(kill: &str, hours: i64) -> LedgerEntry {
    LedgerEntry {
        outcome: Some(KillOutcome::Killed),
        is_whole: true,
        ..entry(kill, hours)
    }
}

/// The kills that are left of these.
fn left(kills: Vec<LedgerEntry>, own: &AgentSpec, agents: &[AgentSpec]) -> Vec<String> {
    let mut ledger = ledger(kills);
    for (number, spec) in agents.iter().enumerate() {
        let agent = PublishedSettings::of(1, spec).unwrap();
        ledger.agents.insert(number.to_string(), agent);
    }
    prune(&mut ledger, &rules(own), now());
    names(&ledger).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_day_is_kept_and_what_is_open() {
    let kills = vec![
        settled("new", 23),
        settled("old", 25),
        settled("older", 24 * 60),
        entry("open", 24 * 60),
    ];
    assert_eq!(left(kills, &with_minimum_time(0), &[]), ["new", "open"]);
}

#[test]
fn the_latest_kill_of_an_owner_is_kept_for_as_long_as_some_agent_counts_it() {
    // Noon of a Monday: Friday is one workday before it, Thursday two.
    let [friday, thursday] = [3 * 24, 4 * 24];
    let kills = |hours| vec![settled("before", hours + 1), settled("last", hours)];
    let (none, one, two) = (
        with_minimum_time(0),
        with_minimum_time(1),
        with_minimum_time(2),
    );
    assert!(left(kills(friday), &none, &[]).is_empty());
    assert_eq!(left(kills(friday), &one, &[]), ["last"]);
    assert!(left(kills(thursday), &one, &[]).is_empty());
    assert_eq!(left(kills(thursday), &two, &[]), ["last"]);
    assert_eq!(left(kills(thursday), &none, &[none.clone(), two]), ["last"]);
    let mut cool = with_minimum_time(0);
    cool.guards.cool_down = Span::from_secs(5 * 86_400);
    assert_eq!(left(kills(thursday), &cool, &[]), ["last"]);
}

#[test]
fn what_another_version_counts_is_not_known_so_that_the_latest_kills_are_kept() {
    let mut ledger = ledger(vec![settled("before", 24 * 900), settled("last", 24 * 800)]);
    let newer = serde_json::json!({"somethingNew": true});
    let newer = PublishedSettings {
        seed: 1,
        settings: newer,
    };
    assert!(newer.spec().is_err());
    ledger.agents.insert("newer".to_owned(), newer);
    prune(&mut ledger, &rules(&with_minimum_time(0)), now());
    assert_eq!(names(&ledger), ["last"]);
}

#[test]
fn a_thousand_owners_with_the_default_rhythm_do_not_fill_it() {
    let spec = AgentSpec::default();
    // Two hundred kills a day for a quarter of a year, each owner once a week.
    let kills = (0..90_i64).flat_map(|day| {
        (0..200_i64).map(move |number| {
            let mut kill = settled(&format!("weekday-20260323-101500-{day}-{number}"), day * 24);
            kill.owner.name = format!("deployment-{}", (day % 5) * 200 + number);
            kill.pod = format!("{}-5d8f7c9b4-x2x7z", kill.owner.name);
            kill
        })
    });
    let mut ledger = ledger(kills.collect());
    prune(&mut ledger, &rules(&spec), now());
    assert!(ledger.kills.len() <= 4 * 200, "{}", ledger.kills.len());
    assert!(weight(&ledger.kills) < CAPACITY / 2);
}

#[test]
fn the_weight_is_about_that_of_the_json() {
    let kills: Vec<LedgerEntry> = (0..100)
        .map(|number| settled(&format!("k-{number}"), 1))
        .collect();
    let json = serde_json::to_string(&kills).unwrap().len();
    let weight = weight(&kills);
    assert!(weight >= json && weight < 2 * json, "{weight} {json}");
}
