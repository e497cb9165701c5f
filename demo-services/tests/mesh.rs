//! The real mesh: real processes, real signals, real load. The tests assert on what users got
//! and on the journal, never on a latency.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use parking_lot::Mutex;
use serde_json::Value;

/// One mesh at a time: two of them would measure each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const KILLS: &str = "{id: kills, at: 2s, do: {monkey: {every: 1500ms, for: 8s}}}";

struct GameDay {
    folder: tempfile::TempDir,
    output: Output,
}

/// How often a game day is run again on a machine that was too busy to measure it.
const TRIES: usize = 4;

impl GameDay {
    /// Runs a game day. One that is inconclusive only since the machine was busy with something
    /// else says nothing about the mesh, and is run again.
    fn run(faults: &str, system: &str, arguments: &[&str]) -> Self {
        let _alone = ONE_AT_A_TIME.lock();
        let mut day = Self::run_once(faults, system, arguments);
        for _ in 1..TRIES {
            if !day.was_too_busy() {
                break;
            }
            day = Self::run_once(faults, system, arguments);
        }
        day
    }

    /// Runs a game day with and without the middleware, as `run` does.
    fn compare(faults: &str) -> Self {
        let _alone = ONE_AT_A_TIME.lock();
        let busy = |day: &Self| {
            ["with-middleware", "bare"]
                .iter()
                .any(|side| generator_was_late(&day.verdict_in(side)))
        };
        let mut day = Self::run_once(faults, "streaming-mesh", &["--compare"]);
        for _ in 1..TRIES {
            if !busy(&day) {
                break;
            }
            day = Self::run_once(faults, "streaming-mesh", &["--compare"]);
        }
        day
    }

    fn run_once(faults: &str, system: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quick.yaml");
        let text = include_str!("quick.yaml")
            .replace("FAULTS", faults)
            .replace("system: streaming-mesh", &format!("system: {system}"));
        std::fs::write(&file, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_demo-services"))
            .args(["game-day", "--quiet", "--seed", "7", "--out"])
            .arg(folder.path().join("out"))
            .args(arguments)
            .arg(&file)
            .output()
            .unwrap();
        Self { folder, output }
    }

    /// Whether the generator could not keep its promises.
    fn was_too_busy(&self) -> bool {
        self.output.status.code() == Some(4) && generator_was_late(&self.verdict())
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn verdict(&self) -> Value {
        self.verdict_in("")
    }

    fn verdict_in(&self, folder: &str) -> Value {
        let path = self.out().join(folder).join("verdict.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!(
                "no verdict: {error}\n{}",
                String::from_utf8_lossy(&self.output.stderr)
            )
        });
        serde_json::from_str(&text).unwrap()
    }

    fn journal(&self) -> Vec<Value> {
        std::fs::read_to_string(self.out().join("journal.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[track_caller]
    fn assert_exit(&self, code: i32) -> Value {
        let said = String::from_utf8_lossy(&self.output.stderr);
        let verdict = self.verdict();
        assert_eq!(
            self.output.status.code(),
            Some(code),
            "{said}\n{}",
            verdict["reasons"]
        );
        verdict
    }
}

fn generator_was_late(verdict: &Value) -> bool {
    verdict["reasons"]
        .as_array()
        .is_some_and(|reasons| reasons.iter().any(|one| one["kind"] == "generator"))
}

fn killed_services(verdict: &Value) -> Vec<&str> {
    let mut services: Vec<_> = verdict["faults"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|fault| fault["kind"] == "kill" && fault["beganMicros"].is_number())
        .map(|fault| fault["victims"][0]["service"].as_str().unwrap())
        .collect();
    services.sort_unstable();
    services.dedup();
    services
}

#[test]
fn the_mesh_keeps_its_users_while_every_service_loses_instances_and_one_is_gone() {
    let outage =
        "{id: gone, at: 11s, do: {outage: {service: recommendations, for: 3s, allowOutage: true}}}";
    let day = GameDay::run(&format!("{KILLS}, {outage}"), "streaming-mesh", &[]);
    let verdict = day.assert_exit(0);
    assert_eq!(verdict["total"]["yield"], 1.0);
    assert_eq!(verdict["unexplainedDegraded"], 0);
    assert_eq!(verdict["readBack"][0]["missingCount"], 0);
    assert!(verdict["readBack"][0]["checked"].as_u64().unwrap() > 50);
    assert_eq!(
        killed_services(&verdict),
        ["auth", "gateway", "metadata", "playback", "recommendations"]
    );
    let replaced = verdict["degradations"].as_array().unwrap();
    assert!(
        replaced
            .iter()
            .any(|one| one["dependency"] == "recommendations" && one["stoodIn"] == "popular"),
        "{replaced:?}"
    );

    let journal = day.journal();
    assert_eq!(journal.first().unwrap()["type"], "start");
    assert_eq!(journal.last().unwrap()["type"], "end");
    let whole = std::fs::read_to_string(day.out().join("journal.jsonl")).unwrap();
    assert!(!whole.contains("eyJ"), "the journal holds a token");
    assert!(
        !day.out().join("work").exists(),
        "the users' password is left behind"
    );
}

#[test]
fn without_the_middleware_single_kills_already_lose_requests() {
    let day = GameDay::compare(KILLS);
    let said = String::from_utf8_lossy(&day.output.stderr);
    assert_eq!(day.output.status.code(), Some(0), "{said}");

    let with = day.verdict_in("with-middleware");
    assert_eq!(with["outcome"], "passed");
    assert_eq!(with["total"]["failed"], 0);
    let bare = day.verdict_in("bare");
    assert_eq!(bare["outcome"], "failed");
    assert_eq!(bare["about"]["variant"], "bare");
    assert!(bare["total"]["failed"].as_u64().unwrap() > 0);

    // The same victims, and both verdicts side by side.
    let victims = |verdict: &Value| -> Vec<Value> {
        let faults = verdict["faults"].as_array().unwrap();
        faults
            .iter()
            .map(|fault| fault["victims"].clone())
            .collect()
    };
    assert_eq!(victims(&with), victims(&bare));
    assert!(day.out().join("compare.html").exists());
    assert!(day.out().join("compare.md").exists());
}

#[test]
fn a_system_of_ones_own_has_no_middleware_to_switch_off() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.yaml");
    let own = "apiVersion: chaos.aplomb.dev/v1alpha1\nkind: System\nmetadata: {name: own}\nspec: \
        {services: {web: {process: {command: [web], ports: {http: auto}, health: {check: {http: \
        {port: http, path: /}}}}}}}\n---\n";
    let day = include_str!("quick.yaml")
        .replace("FAULTS", "")
        .replace("system: streaming-mesh", "system: own")
        .replace("gateway", "web");
    std::fs::write(&file, format!("{own}{day}")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_demo-services"))
        .args(["game-day", "--bare"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("a system of its own"), "{said}");
}

#[test]
fn the_planted_bug_is_found() {
    let pause = "{id: still, at: 3s, do: {pause: {service: recommendations, amount: all, for: 4s, allowOutage: true}}}";
    let sound = GameDay::run(pause, "streaming-mesh", &[]);
    assert_eq!(sound.assert_exit(0)["total"]["yield"], 1.0);

    let planted = GameDay::run(pause, "streaming-mesh-with-planted-bug", &[]);
    let verdict = planted.assert_exit(1);
    assert_eq!(verdict["failedByCause"][0]["cause"], "timeout");
    assert_eq!(verdict["unexplainedFailed"], 0);
    assert!(verdict["faults"][0]["requestsFailed"].as_u64().unwrap() > 0);
}

#[test]
fn positions_are_kept_in_the_outbox_while_playback_is_gone() {
    let outage =
        "{id: gone, at: 3s, do: {outage: {service: playback, for: 5s, allowOutage: true}}}";
    let day = GameDay::run(outage, "streaming-mesh", &[]);
    let verdict = day.assert_exit(0);
    assert_eq!(verdict["readBack"][0]["missingCount"], 0);
    let replaced = verdict["degradations"].as_array().unwrap();
    assert!(
        replaced.iter().any(|one| one["stoodIn"] == "outbox"),
        "{replaced:?}"
    );
}

#[test]
fn a_bad_file_is_refused_before_anything_starts() {
    let day = GameDay::run(
        "{id: a, at: 2s, do: {kill: {service: metadatta}}}",
        "streaming-mesh",
        &[],
    );
    assert_eq!(day.output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&day.output.stderr);
    assert!(
        said.contains("metadatta") && said.contains("metadata"),
        "{said}"
    );
    assert!(!day.out().join("journal.jsonl").exists());
}

#[test]
fn the_list_names_every_game_day_and_an_unknown_one_is_an_error() {
    let demo = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_demo-services"))
            .arg("game-day")
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let list = String::from_utf8(demo(&["--list"]).stdout).unwrap();
    for name in [
        "default",
        "single-kills",
        "recommendations-gone",
        "metadata-gone",
        "auth-gone",
        "paused-replica",
        "planted-bug",
    ] {
        assert!(list.contains(name), "{list}");
    }
    let unknown = demo(&["no-such-day"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--list"));
}
