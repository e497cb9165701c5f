//! The command as people type it: what it prints, and with which code it ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

const GOOD: &str = r#"
apiVersion: chaos.aplomb.dev/v1alpha1
kind: System
metadata: {name: shop}
spec:
  services:
    web:
      process:
        command: [web, "--port", "${port.http}"]
        replicas: 2
        ports: {http: auto}
        health: {check: {http: {port: http, path: /}}}
---
apiVersion: chaos.aplomb.dev/v1alpha1
kind: GameDay
metadata: {name: evening}
spec:
  title: An evening
  hypothesis: Nobody notices.
  system: shop
  load:
    target: web
    rate: {constant: 10}
    journeys:
      look: {weight: 1, steps: [{name: look, request: {path: /}}]}
  steadyState:
    - {id: served, metric: yield, tolerance: {before: {atLeast: 1}, during: {atLeast: 1}}}
  timeline:
    duration: 30s
    faults:
      - {id: kills, at: 5s, do: {monkey: {every: 2s, for: 11s}}}
"#;

fn chaos_monkey(arguments: &[&str], file: Option<&str>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("day.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaos-monkey"));
    command.args(arguments);
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
        command.arg(&path);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_good_file_is_valid_and_its_plan_is_always_the_same() {
    let valid = chaos_monkey(&["validate"], Some(GOOD));
    assert_eq!(valid.status.code(), Some(0), "{}", text(&valid.stderr));
    let plan = || chaos_monkey(&["plan", "--seed", "7"], Some(GOOD));
    let (first, second) = (plan(), plan());
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    assert_eq!(first.stdout, second.stdout);
    assert!(text(&first.stdout).contains("kills-6"));
    let other = chaos_monkey(&["plan", "--seed", "8"], Some(GOOD));
    assert_ne!(first.stdout, other.stdout);
    let json = chaos_monkey(&["plan", "--seed", "7", "--output", "json"], Some(GOOD));
    let planned: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(planned.as_array().unwrap().len(), 6);
    assert_eq!(planned[0]["kind"], "kill");
}

#[test]
fn every_mistake_is_reported_at_once_with_its_line() {
    let bad = GOOD
        .replace("title: An evening", "titel: An evening")
        .replace("constant: 10", "constant: 0")
        .replace("metric: yield", "metric: yeild")
        .replace("duration: 30s", "duration: -30s");
    let output = chaos_monkey(&["validate"], Some(&bad));
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for (line, word) in [(18, "titel"), (23, "`0`"), (27, "yeild"), (29, "-30s")] {
        let place = format!("day.yaml:{line}:");
        let reported = said
            .lines()
            .any(|reported| reported.contains(&place) && reported.contains(word));
        assert!(reported, "no mistake about {word} at {place}\n{said}");
    }
    let run = chaos_monkey(&["game-day", "run"], Some(&bad));
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn what_no_schema_can_say_is_checked_too() {
    for (right, wrong, word) in [
        ("target: web", "target: wep", "did you mean `web`"),
        ("system: shop", "system: shot", "shot"),
        ("path: /}}]", "path: \"/${nobody}\"}}]", "nobody"),
        ("at: 5s", "at: 25s", "duration"),
        ("for: 11s", "for: 0s", "longer than"),
        ("atLeast: 1}, during", "atLeast: 2}, during", "0 to 1"),
        ("path: /}}}\n", "path: /}}}\n    api: *web\n", "alias"),
    ] {
        let bad = GOOD.replacen(right, wrong, 1);
        assert_ne!(bad, GOOD, "{right}");
        let output = chaos_monkey(&["validate"], Some(&bad));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{wrong}\n{said}");
        if word != "alias" {
            assert!(said.contains(word), "{wrong}: {said}");
        }
    }
}

#[test]
fn schemas_and_completions_are_printed() {
    for kind in ["System", "GameDay"] {
        let output = chaos_monkey(&["schema", "--kind", kind], None);
        assert_eq!(output.status.code(), Some(0));
        let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(schema["title"], kind);
    }
    let output = chaos_monkey(&["completions", "bash"], None);
    assert!(text(&output.stdout).contains("chaos-monkey"));
}

#[test]
fn wrong_usage_ends_with_2() {
    assert_eq!(chaos_monkey(&["plan"], None).status.code(), Some(2));
    assert_eq!(chaos_monkey(&["no-such-word"], None).status.code(), Some(2));
    let missing = chaos_monkey(&["report", "no-such-folder"], None);
    assert_eq!(missing.status.code(), Some(2));
    let unread = chaos_monkey(&["validate", "no-such-file.yaml"], None);
    assert_eq!(unread.status.code(), Some(2));
    assert!(text(&unread.stderr).contains("no-such-file.yaml"));
}
