//! Each guard, alone: what it allows and what it forbids, with the reason that it gives.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::agent::calendar::HoursOfDay;
use crate::agent::check;
use crate::agent::cluster::{Described, Owner, OwnerName, Pod};
use crate::agent::workload::Narrowing;
use crate::schema::{
    AgentSpec, KillBudget, KillMethod, LedgerEntry, OwnerKind, PerOwner, Rhythm, Span,
};

/// A Monday at noon, in the hours of the default schedule.
const NOW: &str = "2026-03-23T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn owner(name: &str) -> OwnerName {
    OwnerName {
        namespace: "shop".to_owned(),
        kind: OwnerKind::Deployment,
        name: name.to_owned(),
    }
}

fn pod(number: usize) -> Pod {
    Pod {
        namespace: "shop".to_owned(),
        name: format!("web-{number}"),
        uid: format!("uid-{number}"),
        version: "1".to_owned(),
        described: Described::default(),
        created: "2026-03-01T00:00:00Z".parse().unwrap(),
        is_terminating: false,
        phase: "Running".to_owned(),
        is_ready: true,
        owner: Owner::Known(owner("web")),
    }
}

/// A kill that was made so long ago out of an owner that is whole again.
fn earlier(owner_name: &str, minutes: i64) -> LedgerEntry {
    LedgerEntry {
        kill: format!("kill-{owner_name}-{minutes}"),
        agent: "platform".to_owned(),
        occasion: format!("occasion-{owner_name}-{minutes}"),
        owner: owner(owner_name),
        pod: "web-9".to_owned(),
        pod_uid: "uid-9".to_owned(),
        at: now() - SignedDuration::from_mins(minutes),
        not_after: now() - SignedDuration::from_mins(minutes),
        outcome: Some(crate::schema::KillOutcome::Killed),
        is_whole: true,
    }
}

/// A situation in which every guard lets pass.
struct World {
    spec: AgentSpec,
    now: Timestamp,
    pods: Vec<Pod>,
    state: OwnerState,
    narrowing: Narrowing,
    halts: Result<Vec<Halt>, String>,
    leadership: Leadership,
    ledger: Vec<LedgerEntry>,
    budgets: Vec<DisruptionBudget>,
    outage: Option<String>,
}

fn world() -> World {
    World {
        spec: AgentSpec::default(),
        now: now(),
        pods: (0..3).map(pod).collect(),
        state: OwnerState {
            wanted: 3,
            ready: 3,
            ..OwnerState::default()
        },
        narrowing: Narrowing::default(),
        halts: Ok(Vec::new()),
        leadership: Leadership::Held,
        ledger: Vec::new(),
        budgets: Vec::new(),
        outage: None,
    }
}

/// The guards that say no, each with its reason.
fn noes(change: impl FnOnce(&mut World)) -> Vec<(&'static str, String)> {
    let mut world = world();
    change(&mut world);
    let rules = Rules::of(&world.spec).unwrap();
    let owner = owner("web");
    let situation = Situation {
        overall: Overall {
            now: world.now,
            halts: world.halts.as_deref().map_err(String::as_str),
            leadership: world.leadership,
            ledger: &world.ledger,
            occasion: "this",
            outage: world.outage.as_deref(),
        },
        victim: &world.pods[0],
        owner: &owner,
        state: &world.state,
        narrowing: world.narrowing,
        pods: &world.pods,
        disruption_budgets: &world.budgets,
    };
    let checks = check::guards(&rules, &situation).into_iter();
    checks
        .filter_map(|check| Some((check.name, check.refusal?)))
        .collect()
}

#[track_caller]
fn allows(change: impl FnOnce(&mut World)) {
    assert_eq!(noes(change), []);
}

#[track_caller]
fn forbids(guard: &str, reason: &str, change: impl FnOnce(&mut World)) {
    let noes = noes(change);
    let [(by, why)] = noes.as_slice() else {
        panic!("expected one no, of {guard}: {noes:?}");
    };
    assert_eq!(*by, guard, "{why}");
    assert!(why.contains(reason), "{why}");
}

#[test]
fn the_order_is_the_documented_one() {
    let names = ALL.map(|guard| guard.name);
    assert_eq!(
        names,
        [
            "enabled",
            "halt",
            "leadership",
            "budget",
            "namespace-budget",
            "cool-down",
            "minimum-time",
            "open-kills",
            "minimum-healthy",
            "rollout",
            "minimum-replicas",
            "disruption-budget",
            "outage",
            "schedule",
            "workload-hours",
        ]
    );
}

#[test]
fn what_holds_for_all_owners_is_known_without_one() {
    let overall = |change: fn(&mut AgentSpec), ledger: &[LedgerEntry]| {
        let mut spec = AgentSpec::default();
        change(&mut spec);
        let overall = Overall {
            now: now(),
            halts: Ok(&[]),
            leadership: Leadership::Held,
            ledger,
            occasion: "",
            outage: None,
        };
        veto_of_all(&Rules::of(&spec).unwrap(), &overall).map(|veto| veto.by)
    };
    assert_eq!(overall(|_| {}, &[]), None);
    // Those of one owner or of one namespace are not asked.
    assert_eq!(overall(|_| {}, &[earlier("web", 1)]), None);
    assert_eq!(
        overall(
            |spec| spec.guards.namespace_budget.per_day = Some(1),
            &[earlier("web", 1)]
        ),
        None
    );
    assert_eq!(
        overall(|spec| spec.guards.budget.per_day = Some(0), &[]),
        Some("budget")
    );
    assert_eq!(overall(|spec| spec.enabled = false, &[]), Some("enabled"));
}

#[test]
fn without_a_reason_nothing_is_forbidden() {
    allows(|_| {});
}

#[test]
fn the_switches_forbid() {
    forbids("enabled", "spec.enabled", |it| it.spec.enabled = false);
    let halt = || Halt {
        namespace: "shop".to_owned(),
        reason: "sale".to_owned(),
    };
    forbids("halt", "halted in `shop`: sale", |it| {
        it.halts = Ok(vec![halt()]);
    });
    forbids("halt", "could not be read: no answer", |it| {
        it.halts = Err("no answer".to_owned());
    });
    forbids("leadership", "does not lead", |it| {
        it.leadership = Leadership::Lost;
    });
    allows(|it| it.leadership = Leadership::NotNeeded);
}

#[test]
fn budgets_count_what_was_sent_in_their_time_and_place() {
    let per_hour = |most| KillBudget {
        per_hour: Some(most),
        per_day: None,
    };
    let per_day = |most| KillBudget {
        per_hour: None,
        per_day: Some(most),
    };
    forbids("budget", "2 kills in all within the hour", |it| {
        it.spec.guards.budget = per_hour(2);
        it.ledger = vec![earlier("a", 1), earlier("b", 59), earlier("c", 60)];
    });
    allows(|it| {
        it.spec.guards.budget = per_hour(2);
        it.ledger = vec![earlier("a", 1), earlier("b", 60)];
    });
    forbids("budget", "1 kills in all within the day", |it| {
        it.spec.guards.budget = per_day(1);
        it.ledger = vec![earlier("a", 24 * 60 - 1)];
    });
    forbids("namespace-budget", "in `shop` within the hour", |it| {
        it.spec.guards.namespace_budget = per_hour(1);
        it.ledger = vec![earlier("a", 1)];
    });
    allows(|it| {
        it.spec.guards.namespace_budget = per_hour(1);
        it.ledger = vec![earlier("a", 1)];
        it.ledger[0].owner.namespace = "bank".to_owned();
    });
    forbids("budget", "0 are allowed", |it| {
        it.spec.guards.budget = per_day(0);
    });
    // One that is not settled yet counts, and so does one of the future.
    forbids("budget", "within the hour", |it| {
        it.spec.guards.budget = per_hour(1);
        it.ledger = vec![earlier("a", -5)];
        it.ledger[0].outcome = None;
    });
    forbids("budget", "the ledger is full", |it| {
        it.ledger = vec![earlier("a", 9_000); 3_500];
    });
}

#[test]
fn an_owner_is_left_alone_after_a_kill() {
    forbids("cool-down", "was killed 3540 s ago", |it| {
        it.spec.schedule.rhythm = without_minimum_time();
        it.ledger = vec![earlier("web", 59)];
    });
    allows(|it| {
        it.spec.schedule.rhythm = without_minimum_time();
        it.ledger = vec![earlier("web", 60), earlier("other", 1)];
    });
    // Kills of one occasion belong together.
    allows(|it| {
        it.ledger = vec![earlier("web", 0)];
        it.ledger[0].occasion = "this".to_owned();
        it.ledger[0].is_whole = false;
    });
}

fn without_minimum_time() -> Rhythm {
    Rhythm::PerOwner(PerOwner {
        mean_time: 5,
        minimum_time: 0,
    })
}

#[test]
fn so_many_workdays_lie_between_two_kills() {
    // Friday noon is a workday before Monday noon.
    let since_friday = 3 * 24 * 60;
    forbids("minimum-time", "less than 1 workdays ago", |it| {
        it.ledger = vec![earlier("web", since_friday)];
    });
    allows(|it| it.ledger = vec![earlier("web", since_friday + 1)]);
}

#[test]
fn nothing_is_killed_while_others_are_not_whole() {
    let open = |name: &str| LedgerEntry {
        is_whole: false,
        ..earlier(name, 100)
    };
    forbids("open-kills", "shop/Deployment/a is not whole again", |it| {
        it.ledger = vec![open("a")];
    });
    allows(|it| {
        it.spec.guards.open_kills = 2;
        it.ledger = vec![open("a"), earlier("b", 100)];
    });
}

#[test]
fn enough_pods_stay_ready() {
    forbids(
        "minimum-healthy",
        "1 of 3 pods would be ready after it, and 2",
        |it| {
            it.spec.guards.minimum_healthy.percent = 34;
            it.pods[1].is_ready = false;
        },
    );
    allows(|it| it.pods[1].is_ready = false);
    forbids("minimum-healthy", "0 of 3", |it| {
        it.pods[1].is_terminating = true;
        it.pods[2].is_ready = false;
    });
    // A pod that the ledger says may have been killed is not counted, although it looks ready.
    forbids("minimum-healthy", "1 of 3", |it| {
        it.spec.guards.minimum_healthy.count = 2;
        it.ledger = vec![earlier("web", 9_000)];
        it.ledger[0].pod_uid = "uid-2".to_owned();
        it.ledger[0].is_whole = false;
        it.spec.guards.open_kills = 2;
    });
    // One that has survived is.
    allows(|it| {
        it.spec.guards.minimum_healthy.count = 2;
        it.ledger = vec![earlier("web", 9_000)];
        it.ledger[0].pod_uid = "uid-2".to_owned();
    });
}

#[test]
fn an_owner_that_is_being_changed_is_left_alone() {
    forbids("rollout", "1 of 3 pods are new", |it| {
        it.state.rollout = Some("1 of 3 pods are new".to_owned());
    });
    forbids("rollout", "older than what is asked", |it| {
        it.state.is_stale = true;
    });
    // New pods that are not available are being rolled out, unless they are those that were killed.
    forbids("rollout", "2 new pods are not available", |it| {
        it.state.unavailable = 2;
        it.ledger = vec![earlier("web", 9_000)];
        it.ledger[0].is_whole = false;
        it.spec.guards.open_kills = 2;
    });
    allows(|it| {
        it.state.unavailable = 1;
        it.ledger = vec![earlier("web", 9_000)];
        it.ledger[0].is_whole = false;
        it.spec.guards.open_kills = 2;
    });
}

#[test]
fn an_owner_of_one_pod_is_left_alone() {
    forbids("minimum-replicas", "wants 1 pods", |it| it.state.wanted = 1);
    allows(|it| {
        it.state.wanted = 1;
        it.spec.guards.minimum_replicas = 1;
    });
}

#[test]
fn disruption_budgets_forbid() {
    let budget = |allowed| DisruptionBudget {
        name: "web".to_owned(),
        allowed,
    };
    allows(|it| it.budgets = vec![budget(1)]);
    forbids("disruption-budget", "`web` allows no disruption", |it| {
        it.budgets = vec![budget(0)];
    });
    forbids("disruption-budget", "several disruption budgets", |it| {
        it.budgets = vec![budget(1), budget(1)];
    });
    // A deletion is not asked for its budgets by the cluster, but by the guard.
    forbids("disruption-budget", "allows no disruption", |it| {
        it.spec.method = KillMethod::DeleteNow;
        it.budgets = vec![budget(1), budget(-1)];
    });
    allows(|it| {
        it.spec.method = KillMethod::Delete(Span::from_secs(5));
        it.spec.guards.honour_disruption_budgets = false;
        it.budgets = vec![budget(0)];
    });
}

#[test]
fn what_is_broken_already_is_not_broken_more() {
    forbids("outage", "answered 503", |it| {
        it.outage = Some("it answered 503".to_owned());
    });
}

#[test]
fn at_night_nothing_is_killed() {
    forbids("schedule", "Mon 2026-03-23 15:00 +00:00 is outside", |it| {
        it.now = "2026-03-23T15:00:00Z".parse().unwrap();
    });
}

proptest! {
    #[test]
    fn a_budget_never_lets_more_pass_than_a_naive_count_does(
        ages in prop::collection::vec(-10_i64..3_000, 0..20),
        most in 0_u32..10,
    ) {
        let entries: Vec<LedgerEntry> = ages.iter().map(|age| earlier("a", *age)).collect();
        let is_within = |minutes: i64| ages.iter().filter(|age| **age < minutes).count() as u32;
        let noes = noes(|it| {
            it.spec.guards.budget = KillBudget { per_hour: Some(most), per_day: Some(2 * most) };
            it.ledger.clone_from(&entries);
        });
        let expected = is_within(60) >= most || is_within(24 * 60) >= 2 * most;
        prop_assert_eq!(noes.iter().any(|(by, _)| *by == "budget"), expected, "{:?}", noes);
    }
}

#[test]
fn the_hours_of_a_workload_forbid() {
    let hours = |text| Narrowing {
        hours: HoursOfDay::read(text),
        ..Narrowing::default()
    };
    allows(|it| it.narrowing = hours("12:00-12:01"));
    forbids("workload-hours", "outside of 10:00-12:00", |it| {
        it.narrowing = hours("10:00-12:00");
    });
}
