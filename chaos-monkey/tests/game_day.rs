//! Whole game days through the command, on a system that is not the demo: two tiny servers in C.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use chaos_monkey::journal::{Entry, InstanceName, Record, read};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use support::{CHAOS_MONKEY, eventually, is_alive, run_folder, server};
use tempfile::TempDir;

/// One game day at a time: a generator that shares the machine is late, and says so.
static ALONE: Mutex<()> = Mutex::new(());

/// A game day in a folder of its own.
struct Day {
    _alone: MutexGuard<'static, ()>,
    _folder: TempDir,
    file: PathBuf,
    out: PathBuf,
}

/// `shop` asks `stock`; both have two instances.
fn services() -> Value {
    let health = |path: &str| json!({ "check": { "http": { "port": "http", "path": path } }, "interval": "10ms" });
    json!({
        "stock": { "process": {
            "command": [server(), "${port.http}"],
            "replicas": 2,
            "ports": { "http": "auto" },
            "health": health("/health"),
            "restartDelay": "300ms",
        } },
        "shop": { "process": {
            "command": ["/bin/sh", "-c", format!(
                "exec {} ${{port.http}} $(echo $STOCK | sed 's/[^,]*://g; s/,/ /g')", server()
            )],
            "env": { "STOCK": "${endpoints.stock}", "TOKEN": "${secret.shop}" },
            "replicas": 2,
            "ports": { "http": "auto" },
            "health": health("/health"),
            "restartDelay": "300ms",
        } },
    })
}

fn system(services: &Value) -> Value {
    json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1",
        "kind": "System",
        "metadata": { "name": "bazaar" },
        "spec": { "secrets": ["shop"], "services": services },
    })
}

/// Three seconds of customers.
fn spec(faults: &Value) -> Value {
    json!({
        "title": "a bazaar that loses its servers",
        "hypothesis": "customers do not notice",
        "system": "bazaar",
        "load": {
            "target": "shop",
            "rate": { "constant": 40.0 },
            "device": { "patience": "2s", "attemptTimeout": "500ms", "furtherAttempts": 2 },
            "journeys": { "look": { "weight": 1, "steps": [
                { "name": "look", "request": { "path": "/" } },
            ] } },
        },
        "steadyState": [{
            "id": "answers",
            "metric": "yield",
            "minimumSamples": 10,
            "tolerance": {
                "before": { "atLeast": 0.99 },
                "during": { "atLeast": 0.9 },
                "after": { "atLeast": 0.99 },
            },
        }],
        "timeline": { "duration": "3500ms", "faults": faults },
        "recovery": { "within": "1s", "hold": "500ms" },
    })
}

impl Day {
    fn new(services: &Value, spec: &Value) -> Self {
        let alone = ALONE.lock();
        let (folder, out) = run_folder();
        let file = folder.path().join("bazaar.yaml");
        let game_day = json!({
            "apiVersion": "chaos.aplomb.dev/v1alpha1",
            "kind": "GameDay",
            "metadata": { "name": "bazaar" },
            "spec": spec,
        });
        // JSON is YAML.
        fs::write(&file, format!("{}\n---\n{game_day}\n", system(services))).unwrap();
        Self {
            _alone: alone,
            _folder: folder,
            file,
            out,
        }
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(CHAOS_MONKEY);
        command
            .args(["game-day", "run", "--seed", "7"])
            .args(flags)
            .arg("--out")
            .arg(&self.out)
            .arg(&self.file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, flags: &[&str]) -> Output {
        self.command(flags).output().unwrap()
    }

    fn journal(&self) -> Vec<Entry> {
        read(&self.out.join("journal.jsonl")).unwrap()
    }

    fn verdict(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.out.join("verdict.json")).unwrap()).unwrap()
    }

    /// The process ids that are known so far, of a run that may still be going on.
    fn pids(&self) -> Vec<u32> {
        let Ok(entries) = read(&self.out.join("journal.jsonl")) else {
            return Vec::new();
        };
        entries
            .iter()
            .filter_map(|entry| match entry.record {
                Record::InstanceStarted { pid, .. } => Some(pid),
                _ => None,
            })
            .collect()
    }
}

/// Runs a game day, and again if the machine was too busy with something else to measure anything,
/// which the run itself says.
fn conclusive(services: &Value, spec: &Value, flags: &[&str]) -> (Day, Output) {
    for _ in 0..4 {
        let day = Day::new(services, spec);
        let output = day.run(flags);
        let was_late = day.out.join("verdict.json").exists()
            && day.verdict()["reasons"]
                .as_array()
                .unwrap()
                .iter()
                .any(|reason| reason["kind"] == "generator");
        if !was_late {
            return (day, output);
        }
    }
    let day = Day::new(services, spec);
    let output = day.run(flags);
    (day, output)
}

fn told(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}\n{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

fn count(entries: &[Entry], wanted: impl Fn(&Record) -> bool) -> usize {
    entries.iter().filter(|entry| wanted(&entry.record)).count()
}

/// When something happened, in seconds since the load began.
fn moment(entries: &[Entry], wanted: impl Fn(&Record) -> bool) -> Option<f64> {
    let entry = entries.iter().find(|entry| wanted(&entry.record))?;
    Some(entry.at as f64 / 1e6)
}

fn is_began(record: &Record) -> bool {
    matches!(record, Record::FaultBegan { .. })
}

fn is_ended(record: &Record) -> bool {
    matches!(record, Record::FaultEnded { .. })
}

fn kill_of(service: &str, id: &str, at: &str) -> Value {
    json!({ "id": id, "at": at, "do": { "kill": { "service": service } } })
}

#[test]
fn a_system_in_another_language_keeps_its_users() {
    let faults = json!([
        kill_of("stock", "stock-dies", "1s"),
        kill_of("shop", "shop-dies", "1s"),
        { "id": "stock-sleeps", "at": "1900ms", "do": { "pause": { "service": "stock", "for": "300ms" } } },
    ]);
    let (day, output) = conclusive(&services(), &spec(&faults), &["--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));

    let entries = day.journal();
    assert!(matches!(
        entries.first().unwrap().record,
        Record::Start { seed: 7, .. }
    ));
    let lines = entries.len() as u64 - 1;
    assert_eq!(entries.last().unwrap().record, Record::End { lines });
    assert_eq!(count(&entries, is_began), 3);
    assert_eq!(count(&entries, is_ended), 3);
    // Each kill hit a real process, which came back; nothing else ended.
    let downs: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::InstanceDown { how, fault, .. } => {
                Some((how.as_str(), fault.as_deref().unwrap()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(downs.len(), 2);
    assert!(downs.contains(&("signal 9", "stock-dies-1")), "{downs:?}");
    assert!(downs.contains(&("signal 9", "shop-dies-1")), "{downs:?}");
    assert_eq!(
        count(&entries, |record| matches!(
            record,
            Record::InstanceStarted { .. }
        )),
        6
    );
    assert_eq!(
        count(&entries, |record| matches!(
            record,
            Record::InstanceReady { .. }
        )),
        6
    );
    let sleeper = entries.iter().find_map(|entry| match &entry.record {
        Record::InstancePaused { instance, .. } => Some(instance.clone()),
        _ => None,
    });
    let woken = entries.iter().find_map(|entry| match &entry.record {
        Record::InstanceResumed { instance, .. } => Some(instance.clone()),
        _ => None,
    });
    assert!(sleeper.is_some() && sleeper == woken);
    assert!(count(&entries, |record| matches!(record, Record::Request(_))) > 60);
    // What happened while the system started lies before the load.
    assert!(
        moment(&entries, |record| matches!(
            record,
            Record::InstanceReady { .. }
        ))
        .unwrap()
            < 0.0
    );
    let began = moment(&entries, is_began).unwrap();
    assert!(began >= 1.0, "{began}");

    assert_eq!(day.verdict()["outcome"], "passed", "{}", day.verdict());
    for view in ["summary.md", "junit.xml", "report.html"] {
        assert!(!fs::read_to_string(day.out.join(view)).unwrap().is_empty());
    }
    assert!(day.pids().iter().all(|pid| !is_alive(*pid)));
    for log in ["stock-0.log", "stock-1.log", "shop-0.log", "shop-1.log"] {
        assert!(
            fs::read_to_string(day.out.join("logs").join(log))
                .unwrap()
                .contains("listening")
        );
    }
    assert!(!day.out.join("journal.reserve").exists());
    assert!(
        !day.out.join("work").exists(),
        "keys and passwords are gone"
    );

    every_entry_is_documented(&day);
    without_its_last_line_it_proves_nothing(&day);
    a_folder_is_used_once(&day);
}

/// The description of the journal knows every type of entry that occurs.
fn every_entry_is_documented(day: &Day) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/journal.md");
    // A published crate comes without the documents of the workspace.
    let Ok(documented) = fs::read_to_string(path) else {
        return;
    };
    for line in fs::read_to_string(day.out.join("journal.jsonl"))
        .unwrap()
        .lines()
    {
        let entry: Value = serde_json::from_str(line).unwrap();
        let row = format!("\n| `{}` |", entry["type"].as_str().unwrap());
        assert!(documented.contains(&row), "{line}");
    }
}

fn without_its_last_line_it_proves_nothing(day: &Day) {
    let path = day.out.join("journal.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let cut = whole.trim_end().rfind('\n').unwrap();
    fs::write(&path, whole.get(..=cut).unwrap()).unwrap();
    let output = Command::new(CHAOS_MONKEY)
        .arg("report")
        .arg(&day.out)
        .output()
        .unwrap();
    assert_eq!(
        day.verdict()["outcome"],
        "inconclusive",
        "{}",
        told(&output)
    );
}

fn a_folder_is_used_once(day: &Day) {
    let before = fs::read(day.out.join("journal.jsonl")).unwrap();
    let output = day.run(&["--quiet"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("--out"), "{}", told(&output));
    assert_eq!(fs::read(day.out.join("journal.jsonl")).unwrap(), before);
}

#[test]
fn the_control_run_breaks_nothing() {
    let faults = json!([kill_of("stock", "stock-dies", "1s")]);
    let (day, output) = conclusive(&services(), &spec(&faults), &["--no-faults", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let entries = day.journal();
    assert_eq!(count(&entries, is_began), 0);
    assert_eq!(
        count(&entries, |record| matches!(
            record,
            Record::InstanceDown { .. }
        )),
        0
    );
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown, day.verdict());
}

#[test]
fn an_instance_that_ends_by_itself_fails_the_verdict() {
    let mut services = services();
    services["mortal"] = json!({ "process": {
        "command": ["/bin/sh", "-c", format!("{} ${{port.http}} & sleep 1; exit 9", server())],
        "ports": { "http": "auto" },
        "health": { "check": { "tcp": { "port": "http" } }, "interval": "10ms" },
    } });
    let faults = json!([kill_of("stock", "stock-dies", "1s")]);
    let (day, output) = conclusive(&services, &spec(&faults), &["--quiet"]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let entries = day.journal();
    let mortal = InstanceName {
        service: "mortal".to_owned(),
        replica: 0,
    };
    assert!(entries.iter().any(|entry| matches!(
        &entry.record,
        Record::InstanceDown { instance, how, fault: None, .. } if *instance == mortal && how == "exit 9"
    )));
}

#[test]
fn an_abort_condition_ends_everything_within_a_second() {
    let faults = json!([{
        "id": "stock-sleeps",
        "at": "1s",
        "do": { "outage": { "service": "stock", "for": "20s", "allowOutage": true } },
    }]);
    let mut spec = spec(&faults);
    spec["timeline"]["duration"] = json!("25s");
    spec["abort"] = json!([{
        "id": "too-many-errors",
        "metric": "yield",
        "window": "1s",
        "minimumSamples": 10,
        "unless": { "atLeast": 0.7 },
    }]);
    let day = Day::new(&services(), &spec);
    let output = day.run(&["--quiet"]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    let entries = day.journal();
    let aborted = moment(&entries, |record| matches!(record, Record::Abort { .. })).unwrap();
    let ended = moment(&entries, is_ended).expect("the abort ends the fault");
    assert!(
        aborted <= ended && ended < aborted + 1.0,
        "aborted {aborted}, ended {ended}"
    );
    assert_eq!(
        count(&entries, |record| matches!(
            record,
            Record::Generator { .. }
        )),
        1
    );
    assert!(matches!(entries.last().unwrap().record, Record::End { .. }));
    assert!(day.pids().iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn what_is_not_whole_is_not_broken() {
    let faults = json!([kill_of("stock", "stock-dies", "1s")]);
    let mut spec = spec(&faults);
    spec["load"]["journeys"]["look"]["steps"][0]["expect"] = json!({ "status": [404] });
    spec["timeline"]["duration"] = json!("20s");
    let day = Day::new(&services(), &spec);
    let output = day.run(&["--quiet"]);
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    let entries = day.journal();
    assert_eq!(count(&entries, is_began), 0);
    assert_eq!(
        count(&entries, |record| matches!(
            record,
            Record::InstanceDown { .. }
        )),
        0
    );
    assert!(
        entries.last().unwrap().at < 10_000_000,
        "it ends where the faults would have begun"
    );
}

#[tokio::test]
async fn ctrl_c_ends_the_faults_and_leaves_nothing_behind() {
    let faults = json!([{
        "id": "shop-sleeps",
        "at": "500ms",
        "do": { "pause": { "service": "shop", "for": "10s" } },
    }]);
    let mut spec = spec(&faults);
    spec["timeline"]["duration"] = json!("15s");
    let day = Day::new(&services(), &spec);
    let engine = day.command(&[]).spawn().unwrap();
    eventually("the fault has begun", || {
        read(&day.out.join("journal.jsonl")).is_ok_and(|entries| count(&entries, is_began) == 1)
    })
    .await;
    signal(&engine, Signal::SIGINT);
    let output = engine.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    let entries = day.journal();
    assert!(
        count(
            &entries,
            |record| matches!(record, Record::Interrupted { by } if by == "SIGINT")
        ) == 1
    );
    assert_eq!(
        count(&entries, |record| matches!(
            record,
            Record::InstanceResumed { .. }
        )),
        1
    );
    assert_eq!(count(&entries, is_ended), 1);
    assert_eq!(day.verdict()["outcome"], "aborted");
    assert!(told(&output).contains("ABORTED"), "{}", told(&output));
    assert!(day.pids().iter().all(|pid| !is_alive(*pid)));
}

#[tokio::test]
async fn ctrl_c_twice_does_not_wait() {
    let mut services = services();
    // An instance that takes its time to end.
    services["stock"]["process"]["command"] = json!([
        "/bin/sh",
        "-c",
        format!("trap '' TERM; {} ${{port.http}} & sleep 1000", server())
    ]);
    services["stock"]["process"]["stopWithin"] = json!("100s");
    let day = Day::new(
        &services,
        &spec(&json!([kill_of("shop", "shop-dies", "1s")])),
    );
    let engine = day.command(&["--quiet"]).spawn().unwrap();
    eventually("the load has begun", || day.pids().len() == 4).await;
    let pids = day.pids();
    signal(&engine, Signal::SIGINT);
    eventually("the first one was heard", || {
        day.journal()
            .iter()
            .any(|entry| matches!(entry.record, Record::Interrupted { .. }))
    })
    .await;
    signal(&engine, Signal::SIGTERM);
    let output = engine.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(
        told(&output).contains("interrupted twice"),
        "{}",
        told(&output)
    );
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[tokio::test]
async fn killing_the_engine_leaves_nothing_behind() {
    let faults = json!([{
        "id": "shop-sleeps",
        "at": "500ms",
        "do": { "pause": { "service": "shop", "for": "10s" } },
    }]);
    let mut spec = spec(&faults);
    spec["timeline"]["duration"] = json!("15s");
    let day = Day::new(&services(), &spec);
    let mut engine = day.command(&["--quiet"]).spawn().unwrap();
    eventually("the fault has begun", || {
        read(&day.out.join("journal.jsonl")).is_ok_and(|entries| count(&entries, is_began) == 1)
    })
    .await;
    let pids = day.pids();
    assert_eq!(pids.len(), 4);
    assert!(day.out.join("work").is_dir());
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    signal(&engine, Signal::SIGKILL);
    engine.wait().unwrap();
    eventually("all instances are gone, the halted one too", || {
        pids.iter().all(|pid| !is_alive(*pid))
    })
    .await;
    // What it proves is nothing.
    let output = Command::new(CHAOS_MONKEY)
        .arg("report")
        .arg(&day.out)
        .output()
        .unwrap();
    assert_eq!(
        day.verdict()["outcome"],
        "inconclusive",
        "{}",
        told(&output)
    );
}

#[tokio::test]
async fn killing_the_engine_while_the_system_starts_leaves_nothing_behind() {
    let mut services = services();
    services["slow"] = json!({ "process": {
        "command": ["/bin/sh", "-c", "echo $$ > ${run}/pid; exec sleep 1000"],
        "ports": { "http": "auto" },
        "health": { "check": { "tcp": { "port": "http" } } },
    } });
    let day = Day::new(
        &services,
        &spec(&json!([kill_of("stock", "stock-dies", "1s")])),
    );
    let mut engine = day.command(&["--quiet"]).spawn().unwrap();
    let mut pid = None;
    eventually("the slow one has told its id", || {
        let text = fs::read_to_string(day.out.join("work/pid")).unwrap_or_default();
        pid = text.trim().parse::<u32>().ok();
        pid.is_some()
    })
    .await;
    let pid = pid.unwrap();
    assert!(is_alive(pid));
    signal(&engine, Signal::SIGKILL);
    engine.wait().unwrap();
    eventually("it is gone", || !is_alive(pid)).await;
}

/// Runs what must not start, and returns what it says.
fn refused(services: &Value, out: Option<&Path>) -> String {
    let faults = json!([kill_of("stock", "stock-dies", "1s")]);
    let mut day = Day::new(services, &spec(&faults));
    if let Some(out) = out {
        out.clone_into(&mut day.out);
    }
    let output = day.run(&["--quiet"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(output.stdout.is_empty());
    assert!(day.pids().iter().all(|pid| !is_alive(*pid)));
    told(&output)
}

#[test]
fn what_cannot_be_started_is_one_message_and_exit_code_2() {
    let mut missing = services();
    missing["shop"]["process"]["command"] = json!(["no-such-program-anywhere"]);
    let message = refused(&missing, None);
    assert!(
        message.contains("`no-such-program-anywhere` was not found in PATH"),
        "{message}"
    );

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut taken = services();
    taken["shop"]["process"]["ports"]["http"] = json!(port);
    taken["shop"]["process"]["replicas"] = json!(1);
    let message = refused(&taken, None);
    assert!(
        message.contains(&format!("port {port} of shop/0 is in use")),
        "{message}"
    );

    let mut never = services();
    never["shop"]["process"]["command"] =
        json!(["/bin/sh", "-c", "echo so tired; exec sleep 1000"]);
    never["shop"]["process"]["health"]["within"] = json!("300ms");
    let message = refused(&never, None);
    assert!(
        message.contains("was not ready within 300ms") && message.contains("so tired"),
        "{message}"
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let message = refused(&services(), Some(&file.join("run")));
    assert!(
        message.contains("cannot write") && message.contains("--out"),
        "{message}"
    );
}
