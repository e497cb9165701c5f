use serde_json::{Value, json};

use super::*;
use crate::file::{Backend, load_values};

fn documents(change: impl FnOnce(&mut Value, &mut Value)) -> (GameDay, System) {
    let head = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": kind, "metadata": {"name": name},
            "spec": spec,
        })
    };
    let mut system = json!({"services": {"web": {"kubernetes": {
        "namespace": "shop", "pods": "app=web",
        "reach": {"service": {"name": "web", "port": 80}},
    }}}});
    let mut day = json!({
        "title": "t", "hypothesis": "h", "system": "shop",
        "load": {
            "target": "web", "rate": {"constant": 50},
            "journeys": {"look": {
                "weight": 1, "steps": [{"name": "look", "request": {"path": "/"}}],
            }},
        },
        "steadyState": [{"id": "s", "metric": "yield", "tolerance": {"before": {"atLeast": 1}}}],
        "timeline": {"duration": "20s", "faults": [
            {"id": "k", "at": "3s", "do": {"kill": {"service": "web"}}},
        ]},
    });
    change(&mut system, &mut day);
    let values = [
        ("System shop".to_owned(), head("System", "shop", system)),
        ("GameDay day".to_owned(), head("GameDay", "day", day)),
    ];
    let documents = load_values(&values, Backend::Kubernetes).unwrap();
    let (game_day, system) = documents.game_day(None).unwrap();
    (game_day.clone(), system.clone())
}

fn refused(change: impl FnOnce(&mut Value, &mut Value)) -> Vec<String> {
    let (game_day, system) = documents(change);
    let refusals = refusals("shop", &game_day, &system);
    refusals.iter().map(ToString::to_string).collect()
}

#[test]
fn pods_and_services_of_its_own_namespace_are_all_that_it_may_touch() {
    assert!(refused(|_, _| {}).is_empty());
    let foreign = refused(|system, _| {
        system["services"]["web"]["kubernetes"]["namespace"] = "bank".into();
    });
    assert_eq!(foreign.len(), 1, "{foreign:?}");
    assert!(
        foreign[0].starts_with("System shop: spec.services.web.kubernetes.namespace: "),
        "{foreign:?}"
    );
    let of = |url: &str| {
        refused(|system, _| {
            system["services"]["web"]["kubernetes"]["reach"] = json!({ "url": url });
        })
    };
    for url in [
        "http://web.shop.svc",
        "http://web.shop.svc:8080/",
        "http://web.shop.svc.cluster.local",
    ] {
        assert!(of(url).is_empty(), "{url}");
    }
    for url in [
        "http://web",
        "http://web.shop",
        "http://web.bank.svc",
        "http://web.shop.svc.example.com",
        "http://169.254.169.254",
        "http://web.shop.svc@10.0.0.1/",
        "http://10.0.0.1",
        "http://a.web.shop.svc",
        "http://web.shop.svc/admin",
    ] {
        let refused = of(url);
        assert_eq!(refused.len(), 1, "{url}");
        assert!(refused[0].contains("reach.url"), "{refused:?}");
    }
}

#[test]
fn a_url_of_a_service_is_reached_as_the_cluster_says() {
    let (_, system) = documents(|system, _| {
        let url = json!({"url": "http://web.shop.svc:8080"});
        system["services"]["web"]["kubernetes"]["reach"] = url;
    });
    let system = reached_by_services("shop", &system);
    let binding = system.spec.services["web"].kubernetes.as_ref().unwrap();
    let port = ServicePort {
        name: "web".to_owned(),
        port: 8080,
    };
    assert_eq!(binding.reach, Some(Reach::Service(port)));
}

#[test]
fn programs_files_and_secrets_are_refused_each_at_its_place() {
    let process = json!({"command": ["sh"], "health": {"check": {"tcp": {"port": "http"}}},
        "ports": {"http": "auto"}});
    let refused = refused(|system, day| {
        system["services"]["web"]["process"] = process;
        system["prepare"] = json!({"command": ["sh"]});
        system["secrets"] = json!(["key"]);
        day["load"]["users"] = json!({"file": "/etc/passwd"});
        day["load"]["datasets"] = json!({"titles": {"file": "/var/run/secrets/token"}});
        day["guards"] = json!({"haltFile": "/halt"});
    });
    let keys: Vec<&str> = refused
        .iter()
        .filter_map(|it| it.split_once(": spec.")?.1.split_once(": "))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        keys,
        [
            "prepare",
            "secrets",
            "services.web.process",
            "load.users.file",
            "load.datasets.titles.file",
            "guards.haltFile",
        ]
    );
}

#[test]
fn what_is_too_much_for_an_agent_is_left_to_the_command() {
    let refused = refused(|_, day| {
        day["load"]["rate"] = json!({"ramp": {"from": 1, "to": 100, "over": "1m"}});
        day["timeline"]["duration"] = "2h".into();
    });
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].contains("longer than the hour"), "{refused:?}");
    assert!(refused[1].contains("720000 journeys"), "{refused:?}");
}

#[test]
fn who_finds_a_game_day_in_the_middle_knows_whether_somebody_still_runs_it() {
    let status = |phase, agent: &str, copy: &str| GameDayStatus {
        phase,
        agent: Some(agent.to_owned()),
        copy: Some(copy.to_owned()),
        ..GameDayStatus::default()
    };
    let running = Some(GameDayPhase::Running);
    let left = Turn::Left {
        copy: "b".to_owned(),
    };
    for (status, runs, expected) in [
        (GameDayStatus::default(), false, Turn::Mine),
        (
            status(Some(GameDayPhase::Pending), "other", "b"),
            false,
            Turn::Mine,
        ),
        (
            status(Some(GameDayPhase::Finished), "it", "a"),
            false,
            Turn::Over,
        ),
        (
            status(Some(GameDayPhase::Refused), "it", "b"),
            false,
            Turn::Over,
        ),
        (status(running, "it", "a"), true, Turn::NotMine),
        (status(running, "other", "b"), false, Turn::NotMine),
        (status(running, "it", "b"), false, left),
        // This copy does not know of it: it could not say how it had ended.
        (
            status(running, "it", "a"),
            false,
            Turn::Left {
                copy: "a".to_owned(),
            },
        ),
    ] {
        let turn = turn(&status, "it", "a", runs, false);
        assert_eq!(turn, expected, "{status:?}");
    }
    let others = status(running, "gone", "b");
    let left = Turn::Left {
        copy: "b".to_owned(),
    };
    assert_eq!(turn(&others, "it", "a", false, true), left);
}

#[test]
fn a_game_day_is_long_over_a_quarter_of_an_hour_after_its_load_and_its_recovery() {
    let began: Timestamp = "2026-03-23T12:00:00Z".parse().unwrap();
    let status = GameDayStatus {
        began: Some(began),
        ..GameDayStatus::default()
    };
    let spec = json!({"timeline": {"duration": "10m"}, "recovery": {"within": "1m"}});
    let rubbish = json!({"timeline": {"duration": "soon"}});
    for (spec, minutes, expected) in [
        (&spec, 26, false),
        (&spec, 27, true),
        (&rubbish, 75, false),
        (&rubbish, 76, true),
    ] {
        let now = began + SignedDuration::from_mins(minutes);
        assert_eq!(is_long_over(&status, spec, now), expected, "{minutes}");
    }
    let unknown = GameDayStatus::default();
    assert!(!is_long_over(&unknown, &rubbish, Timestamp::now()));
}
