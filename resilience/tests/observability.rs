//! Alert rules and dashboard speak of metrics that there are.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use resilience::telemetry::names;

const DASHBOARD: &str = include_str!("../observability/dashboard.json");
const ALERTS: &str = include_str!("../observability/alerts.yaml");

/// The families that a text speaks of.
fn families(text: &str) -> BTreeSet<&str> {
    let is_of_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    text.split(|letter| !is_of_name(letter))
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word))
        .filter(|word| {
            word.starts_with("resilience_") || word.ends_with("_request_duration_seconds")
        })
        .collect()
}

fn documented() -> BTreeSet<&'static str> {
    names::ALL.iter().map(|family| family.name).collect()
}

#[test]
fn alerts_and_dashboard_speak_of_documented_metrics_alone() {
    for text in [ALERTS, DASHBOARD] {
        let unknown: Vec<_> = families(text).difference(&documented()).copied().collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

#[test]
fn every_documented_metric_is_on_the_dashboard() {
    let missing: Vec<_> = documented()
        .difference(&families(DASHBOARD))
        .copied()
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_label_that_is_asked_for_exists() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let expressions: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten()
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(expressions.len() > 30);
    for expression in expressions {
        for part in expression.split(" by (").skip(1) {
            let Some((labels, rest)) = part.split_once(')') else {
                panic!("`by (` without an end: {expression}");
            };
            let of = families(rest).into_iter().next().unwrap();
            let family = names::ALL.iter().find(|it| it.name == of).unwrap();
            for label in labels.split(", ").filter(|label| *label != "le") {
                let exists = family.labels.contains(&label);
                assert!(exists, "{label} of {of}: {expression}");
            }
        }
    }
}
