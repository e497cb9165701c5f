//! The command as one calls it: what it prints, and how it ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chaos-monkey"))
        .args(arguments)
        .output()
        .expect("the command can be started")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn shop() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/shop.yaml");
    path.display().to_string()
}

/// A file in a folder of its own, with some texts of the good one replaced.
fn shop_with(folder: &Path, edits: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(shop()).expect("the good file");
    for (from, to) in edits {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    let path: PathBuf = folder.join("bad.yaml");
    std::fs::write(&path, text).expect("a folder to write to");
    path.display().to_string()
}

#[test]
fn a_good_file_is_valid() {
    let output = run(&["validate", &shop()]);
    assert_eq!(code(&output), Some(0));
    assert_eq!(stdout(&output), "1 system and 1 game day, no mistake\n");
    assert_eq!(stderr(&output), "");
}

#[test]
fn all_mistakes_are_printed_and_the_exit_code_is_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = shop_with(
        folder.path(),
        &[
            ("restartDelay: 1s", "restartDealy: 1s"),
            ("constant: 50", "constant: 0"),
            ("percent: 50", "percent: 140"),
            ("at: 25s", "at: -25s"),
            ("http: 7100", "http: 7000"),
            ("kill: {service: cart", "kill: {service: crat"),
        ],
    );
    let output = run(&["validate", &file]);
    assert_eq!(code(&output), Some(2));
    assert_eq!(stdout(&output), "");
    let text = stderr(&output);
    let lines: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(&file))
        .collect();
    let starts = [
        ":21:9: spec.services.web.process.restartDealy: ",
        ":27:23: spec.services.cart.process.ports.http: ",
        ":41:22: spec.load.rate.constant: ",
        ":85:27: spec.timeline.faults[1].do.kill.service: ",
        ":85:51: spec.timeline.faults[1].do.kill.amount.percent: ",
        ":91:13: spec.timeline.faults[3].at: ",
    ];
    assert_eq!(lines.len(), starts.len(), "{text}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line} and not {start}");
    }
    assert!(text.ends_with("6 mistakes\n"), "{text}");
}

#[test]
fn a_bad_file_is_refused_by_every_command_that_reads_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = shop_with(folder.path(), &[("replicas: 3", "replicas: 0")]);
    let out = folder.path().join("out");
    let out_text = out.display().to_string();
    for arguments in [
        &["validate", &file][..],
        &["plan", &file, "--seed", "7"],
        &["game-day", "run", &file, "--seed", "7", "--out", &out_text],
    ] {
        let output = run(arguments);
        assert_eq!(code(&output), Some(2), "{arguments:?}");
        assert!(
            stderr(&output).contains("spec.services.cart.process.replicas: `0`"),
            "{arguments:?}"
        );
    }
    assert!(!out.exists(), "nothing is begun with a bad file");
}

#[test]
fn bad_usage_ends_with_2_and_says_what_is_right() {
    for arguments in [
        &["validate"][..],
        &["validate", "no-such-file.yaml"],
        &["plan", &shop(), "--seed", "seven"],
        &["plan", &shop(), "--name", "kils"],
        &["schema", "--kind", "Pod"],
        &["explode"],
        &[],
    ] {
        let output = run(arguments);
        assert_eq!(code(&output), Some(2), "{arguments:?}");
        assert_ne!(stderr(&output), "", "{arguments:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_plan_byte_for_byte() {
    for form in ["table", "json", "yaml"] {
        let plan = |seed: &str| {
            let output = run(&["plan", &shop(), "--seed", seed, "--output", form]);
            assert_eq!(code(&output), Some(0), "{}", stderr(&output));
            stdout(&output)
        };
        assert_eq!(plan("7"), plan("7"), "{form}");
        assert_ne!(plan("7"), plan("8"), "{form}");
    }
}

#[test]
fn the_order_of_services_in_a_file_has_no_say_in_the_plan() {
    let text = std::fs::read_to_string(shop()).expect("the good file");
    let (head, rest) = text.split_once("    web:\n").expect("web");
    let (web, rest) = rest.split_once("    cart:\n").expect("cart");
    let (cart, game_day) = rest.split_once("---\n").expect("a game day");
    let turned = format!("{head}    cart:\n{cart}    web:\n{web}---\n{game_day}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("turned.yaml");
    std::fs::write(&file, turned).expect("a folder to write to");
    let file = file.display().to_string();
    let plan = |file: &str| stdout(&run(&["plan", file, "--seed", "7", "--output", "json"]));
    assert_eq!(plan(&file), plan(&shop()));
    assert_ne!(plan(&file), "");
}

#[test]
fn a_plan_as_json_and_as_yaml_says_the_same() {
    let json = run(&["plan", &shop(), "--seed", "7", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["gameDay"], "kills");
    assert_eq!(json["seed"], 7);
    let faults = json["faults"].as_array().expect("faults");
    let yaml = stdout(&run(&["plan", &shop(), "--seed", "7", "--output", "yaml"]));
    assert!(!faults.is_empty());
    for fault in faults {
        assert!(yaml.contains(&format!("id: {}", fault["id"])), "{yaml}");
        assert!(yaml.contains(&format!("at: {}", fault["at"])), "{yaml}");
    }
}

#[test]
fn schemas_are_json_and_know_their_kinds() {
    let document = |arguments: &[&str]| -> serde_json::Value {
        let output = run(arguments);
        assert_eq!(code(&output), Some(0));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    for kind in ["System", "GameDay", "Agent"] {
        let schema = document(&["schema", "--kind", kind]);
        assert_eq!(schema["title"], kind);
        assert_eq!(schema["properties"]["kind"]["const"], kind);
        assert_eq!(schema["additionalProperties"], false);
    }
    let all = document(&["schema"]);
    for name in ["System", "GameDay", "Agent", "Duration"] {
        assert!(all["$defs"][name].is_object(), "{name}");
    }
    let kinds = all["oneOf"].as_array().expect("kinds");
    assert_eq!(kinds.len(), 3);
    for kind in kinds {
        let target = kind["$ref"].as_str().expect("a reference");
        assert!(all.pointer(target.trim_start_matches('#')).is_some());
    }
}

#[test]
fn help_teaches_and_completions_complete() {
    let help = run(&["plan", "--help"]);
    assert_eq!(code(&help), Some(0));
    assert!(stdout(&help).contains("chaos-monkey plan"), "an example");
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        assert_eq!(code(&script), Some(0));
        assert!(stdout(&script).contains("game-day"), "{shell}");
    }
}
