//! Alert rules and dashboard speak of metrics that there are.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use prometheus::Registry;
use resilience::fallback::Fallback;
use resilience::hedge::HedgeConfig;
use resilience::rate_limit::RateLimiter;
use resilience::telemetry::{BreakerState, Telemetry, names};

const DASHBOARD: &str = include_str!("../observability/dashboard.json");
const NAMES: &str = include_str!("../src/telemetry/names.rs");
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

/// The expressions of the dashboard, and those of the alerts, each in one line.
fn expressions() -> Vec<String> {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array());
    let shown = targets
        .flatten()
        .map(|target| target["expr"].as_str().unwrap().to_owned());
    let mut expressions: Vec<String> = shown.collect();
    assert!(expressions.len() > 30);
    let alerts = ALERTS.split("expr: ").skip(1).map(|rest| {
        // An expression ends with the next key of its rule.
        let end = ["\n        labels:", "\n        for:"];
        let end = end.into_iter().filter_map(|key| rest.find(key)).min();
        rest[..end.unwrap()].replace('\n', " ")
    });
    expressions.extend(alerts);
    assert!(expressions.len() > 45);
    expressions
}

fn family(name: &str) -> &'static names::Definition {
    let name = name.strip_suffix("_bucket").unwrap_or(name);
    names::ALL.iter().find(|it| it.name == name).unwrap()
}

/// `family, label, values` of every `family{label=~"a|b"}`; a value of the dashboard's variables
/// is none.
fn selectors(expression: &str) -> Vec<(&str, &str, Vec<&str>)> {
    let mut found = Vec::new();
    for (at, _) in expression.match_indices('{') {
        let before = &expression[..at];
        let is_of_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let name = &before[before.trim_end_matches(is_of_name).len()..];
        let inside = &expression[at + 1..];
        // Braces stand inside of quotes as well, but not in these expressions.
        let inside = &inside[..inside.find('}').unwrap()];
        let mut rest = inside;
        while let Some((label, after)) = rest.split_once('"') {
            let label = label.trim_matches([',', ' ', '=', '~', '!']);
            let (values, after) = after.split_once('"').unwrap();
            let values = values.split('|').filter(|value| !value.contains('$'));
            found.push((name, label, values.collect()));
            rest = after;
        }
    }
    found
}

/// What the table in `names.rs` says that a label may hold; nothing where it may hold anything.
fn documented_values(family: &str, label: &str) -> Vec<String> {
    let row = NAMES
        .lines()
        .find(|line| line.starts_with(&format!("//! | `{family}` |")))
        .unwrap();
    let Some((_, values)) = row.split_once(&format!("`{label}`: ")) else {
        return Vec::new();
    };
    if values.starts_with("a state") {
        return BreakerState::NAMES.map(str::to_owned).into();
    }
    let mut found = Vec::new();
    let mut rest = values;
    while let Some(value) = rest.strip_prefix('`') {
        let (value, after) = value.split_once('`').unwrap();
        found.push(value.to_owned());
        // A remark in brackets may stand behind a value.
        let after = match after.strip_prefix(" (") {
            Some(remark) => remark.split_once(')').unwrap().1,
            None => after,
        };
        rest = after.strip_prefix(", ").unwrap_or_default();
    }
    found
}

#[test]
fn every_label_that_is_grouped_by_exists() {
    for expression in expressions() {
        for part in expression.split(" by (").skip(1) {
            let (labels, rest) = part.split_once(')').unwrap();
            let of = family(families(rest).into_iter().next().unwrap());
            for label in labels.split(", ").filter(|label| *label != "le") {
                let exists = of.labels.contains(&label);
                assert!(exists, "{label} of {}: {expression}", of.name);
            }
        }
    }
}

#[test]
fn every_label_and_value_that_is_selected_exists() {
    let mut checked = 0;
    for expression in expressions() {
        for (name, label, values) in selectors(&expression) {
            let family = family(name);
            assert!(family.labels.contains(&label), "{label}: {expression}");
            let known = documented_values(family.name, label);
            for value in values {
                assert!(known.iter().any(|it| it == value), "{value}: {expression}");
                checked += 1;
            }
        }
    }
    assert!(checked > 15, "{checked}");
}

#[test]
fn every_label_that_an_alert_speaks_of_is_one_of_its_expression() {
    for rule in ALERTS.split("- alert: ").skip(1) {
        let (expression, texts) = rule.split_once("annotations:").unwrap();
        let groups = expression.split(" by (").skip(1);
        let groups = groups.flat_map(|part| part.split_once(')').unwrap().0.split(", "));
        let mut there: BTreeSet<&str> = groups.collect();
        if there.is_empty() {
            // Without a group every label stays.
            let names = families(expression);
            there.extend(names.into_iter().flat_map(|name| family(name).labels));
        }
        for part in texts.split("$labels.").skip(1) {
            let label = part.split([' ', '}']).next().unwrap();
            assert!(there.contains(label), "{label}: {rule}");
        }
    }
}

/// What is registered when stacks are built is what the table says: it holds the code.
#[tokio::test]
async fn the_values_that_the_code_registers_are_documented() {
    let registry = Registry::new();
    let telemetry = Telemetry::new(&registry).unwrap();
    let _client = resilience::client("metadata")
        .hedge(HedgeConfig::after(Duration::from_millis(10)))
        .coalesce(true)
        .fallback(Fallback::new().last_good(10, Duration::from_secs(60)))
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let _server = resilience::server("gateway")
        .quota(RateLimiter::builder("gateway").quota(1, Duration::from_secs(1)))
        .telemetry(telemetry)
        .build()
        .unwrap();
    let mut checked = 0;
    for exported in registry.gather() {
        for metric in exported.get_metric() {
            for pair in metric.get_label() {
                let known = documented_values(exported.name(), pair.name());
                let is_known = known.iter().any(|value| value == pair.value());
                let of = (exported.name(), pair.name(), pair.value());
                assert!(known.is_empty() || is_known, "{of:?}: {known:?}");
                checked += usize::from(is_known);
            }
        }
    }
    assert!(checked > 40, "{checked}");
}
