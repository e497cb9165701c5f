use serde_json::{Value, json};

use super::*;
use crate::agent::Rules;
use crate::agent::cluster::Described;
use crate::agent::workload::Narrowing;

fn config() -> KubeMonkeyConfig {
    KubeMonkeyConfig {
        time_zone: "America/New_York".to_owned(),
        start_hour: 10,
        end_hour: 16,
        blacklisted_namespaces: vec!["kube-system".to_owned(), "bank".to_owned()],
        whitelisted_namespaces: vec![String::new()],
    }
}

fn workload(name: &str, labels: &[(&str, &str)]) -> Value {
    let mut all: BTreeMap<String, String> = labels
        .iter()
        .map(|(name, value)| (format!("kube-monkey/{name}"), (*value).to_owned()))
        .collect();
    all.entry("kube-monkey/enabled".to_owned())
        .or_insert("enabled".to_owned());
    json!({"kind": "Deployment", "metadata": {"name": name, "namespace": "shop", "labels": all}})
}

fn converted(workloads: &[Value]) -> Result<Converted, Inconvertible> {
    convert(&json!({"items": workloads}).to_string(), &config())
}

#[test]
fn the_settings_are_the_widest_and_workloads_narrow_them() {
    let converted = converted(&[
        workload(
            "web",
            &[("mtbf", "2"), ("kill-mode", "fixed"), ("kill-value", "2")],
        ),
        workload(
            "api",
            &[("mtbf", "5d"), ("kill-mode", "fixed"), ("kill-value", "3")],
        ),
        workload("one", &[("mtbf", "60h")]),
        workload("not", &[("enabled", "disabled"), ("mtbf", "rubbish")]),
        json!({"kind": "Deployment", "metadata": {"name": "bare"}}),
    ])
    .unwrap();
    let spec = &converted.spec;
    assert_eq!(spec.amount, VictimAmount::Fixed(3));
    let expected = PerOwner {
        mean_time: 2,
        minimum_time: 0,
    };
    assert_eq!(spec.schedule.rhythm, Rhythm::PerOwner(expected));
    assert_eq!(spec.schedule.time_zone, "America/New_York");
    assert_eq!(spec.namespaces.except, ["bank"]);
    assert!(spec.namespaces.only.is_empty());
    assert!(spec.dry_run);
    let annotate = |name| {
        format!("kubectl annotate --namespace shop deployment {name} chaos.aplomb.dev/enabled=true")
    };
    assert_eq!(
        converted.commands,
        [
            format!("{} chaos.aplomb.dev/mode=2", annotate("web")),
            format!("{} chaos.aplomb.dev/mean-time=5", annotate("api")),
            format!(
                "{} chaos.aplomb.dev/mean-time=3 chaos.aplomb.dev/mode=one",
                annotate("one")
            ),
        ]
    );
}

/// What a workload is told to say is what the agent understands and allows.
#[test]
fn each_annotation_is_understood() {
    let mut workloads = Vec::new();
    for (index, (mode, value)) in [
        ("kill-all", ""),
        ("fixed", "4"),
        ("fixed-percent", "30"),
        ("random-max-percent", "100"),
    ]
    .into_iter()
    .enumerate()
    {
        let labels = [("mtbf", "1"), ("kill-mode", mode), ("kill-value", value)];
        workloads.push(workload(&format!("web-{index}"), &labels));
    }
    let converted = converted(&workloads).unwrap();
    assert_eq!(converted.spec.amount, VictimAmount::All);
    let rules = Rules::of(&converted.spec).unwrap();
    for command in &converted.commands {
        let words = command.split(" chaos.aplomb.dev/").skip(1);
        let annotations = words.map(|it| {
            let (name, value) = it.trim_matches('\'').split_once('=').unwrap();
            (
                format!("chaos.aplomb.dev/{name}"),
                value.trim_end_matches([' ', '\'']).to_owned(),
            )
        });
        let described = Described {
            annotations: annotations.collect(),
            ..Described::default()
        };
        Narrowing::of(&described, &rules).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

#[test]
fn what_is_more_often_than_daily_is_told() {
    let converted = converted(&[workload("web", &[("mtbf", "2h")])]).unwrap();
    let notes = converted.notes.join("\n");
    assert!(
        notes.contains("shop/Deployment/web: more than one kill a day"),
        "{notes}"
    );
}

#[test]
fn what_is_not_understood_is_refused_all_at_once() {
    for (labels, reason) in [
        (
            vec![],
            "shop/Deployment/web: kube-monkey/mtbf: ``: expected days",
        ),
        (vec![("mtbf", "often")], "`often`: expected days"),
        (vec![("mtbf", "0")], "`0`: expected days"),
        (
            vec![("mtbf", "1"), ("kill-mode", "some")],
            "`some`: expected `kill-all`",
        ),
        (
            vec![("mtbf", "1"), ("kill-mode", "fixed")],
            "kill-value: ``: expected a number from 1 to 1000",
        ),
        (
            vec![
                ("mtbf", "1"),
                ("kill-mode", "fixed-percent"),
                ("kill-value", "140"),
            ],
            "1 to 100",
        ),
    ] {
        let error = converted(&[workload("web", &labels)])
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{labels:?}: {error}");
    }
    let error = converted(&[workload("a", &[]), workload("b", &[])])
        .unwrap_err()
        .to_string();
    assert_eq!(error.lines().count(), 2, "{error}");
    let error = converted(&[]).unwrap_err().to_string();
    assert!(error.contains("no workload in it"), "{error}");
    let error = convert("rubbish", &config()).unwrap_err().to_string();
    assert!(error.contains(KUBECTL), "{error}");
    let late = KubeMonkeyConfig {
        end_hour: 9,
        ..config()
    };
    let list = json!({"items": [workload("web", &[("mtbf", "1")])]}).to_string();
    let error = convert(&list, &late).unwrap_err().to_string();
    assert!(error.contains("spec.schedule.hours.to"), "{error}");
}
