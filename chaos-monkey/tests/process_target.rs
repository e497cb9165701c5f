//! Real processes, really killed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use chaos_monkey::journal::{Entry, InstanceName, Journal, JournalWriter, Record, read};
use chaos_monkey::schema::System;
use chaos_monkey::target::InstanceState;
use chaos_monkey::target::process::{
    ProcessOptions, ProcessTarget, RunDir, Secrets, StartError, prepare,
};
use chaos_monkey::target::{Target, TargetError};
use serde_json::json;
use support::{eventually, is_alive, is_halted, run_folder, server};

fn options() -> ProcessOptions {
    ProcessOptions {
        guardian: support::CHAOS_MONKEY.into(),
    }
}

fn system(spec: serde_json::Value) -> System {
    serde_json::from_value(json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1",
        "kind": "System",
        "metadata": { "name": "test" },
        "spec": spec,
    }))
    .unwrap()
}

/// Two instances of the tiny server.
fn shop() -> System {
    system(json!({ "services": { "shop": { "process": {
        "command": [server(), "${port.http}"],
        "replicas": 2,
        "ports": { "http": "auto" },
        "health": { "check": { "http": { "port": "http", "path": "/health" } }, "interval": "10ms" },
        "restartDelay": "200ms",
    } } } }))
}

fn instance(service: &str, replica: u32) -> InstanceName {
    InstanceName {
        service: service.to_owned(),
        replica,
    }
}

fn state(target: &ProcessTarget, instance: &InstanceName) -> InstanceState {
    target
        .snapshot()
        .into_iter()
        .find(|status| status.instance == *instance)
        .map(|status| status.state)
        .unwrap()
}

/// A run of a system, and its journal.
struct Running {
    _folder: tempfile::TempDir,
    run_dir: RunDir,
    writer: JournalWriter,
    journal: Journal,
}

impl Running {
    fn prepare() -> Self {
        let (folder, out) = run_folder();
        let run_dir = RunDir::create(&out).unwrap();
        let writer = JournalWriter::create(&run_dir.journal()).unwrap();
        let journal = writer.journal();
        journal.start_load();
        Self {
            _folder: folder,
            run_dir,
            writer,
            journal,
        }
    }

    async fn start(&self, system: &System) -> Result<ProcessTarget, StartError> {
        let secrets = Secrets::draw(&system.spec.secrets).unwrap();
        ProcessTarget::start(system, &self.run_dir, &secrets, &self.journal, &options()).await
    }

    /// What was journalled, without the memory.
    async fn records(self) -> Vec<Record> {
        self.writer.finish().await;
        lines(&self.run_dir.journal())
            .into_iter()
            .filter(|record| !matches!(record, Record::InstanceMemory { .. } | Record::End { .. }))
            .collect()
    }
}

fn lines(path: &Path) -> Vec<Record> {
    // There is no `start` entry here, which is the engine's.
    assert!(read(path).is_err());
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Entry>(line).unwrap().record)
        .collect()
}

fn pids(records: &[Record], of: &InstanceName) -> Vec<u32> {
    records
        .iter()
        .filter_map(|record| match record {
            Record::InstanceStarted { instance, pid, .. } if instance == of => Some(*pid),
            _ => None,
        })
        .collect()
}

/// What happened to an instance, in order.
fn life(records: &[Record], of: &InstanceName) -> Vec<String> {
    records
        .iter()
        .filter_map(|record| match record {
            Record::InstanceStarted { instance, .. } if instance == of => {
                Some("started".to_owned())
            }
            Record::InstanceReady { instance, .. } if instance == of => Some("ready".to_owned()),
            Record::InstanceDown {
                instance,
                how,
                fault,
                ..
            } if instance == of => Some(format!(
                "down: {how} by {}",
                fault.as_deref().unwrap_or("itself")
            )),
            Record::InstancePaused { instance, fault } if instance == of => {
                Some(format!("paused by {fault}"))
            }
            Record::InstanceResumed { instance, fault } if instance == of => {
                Some(format!("resumed by {fault}"))
            }
            Record::InstanceStopped { instance, how, .. } if instance == of => {
                Some(format!("stopped: {how}"))
            }
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_killed_instance_comes_back_on_its_port() {
    let running = Running::prepare();
    let target = running.start(&shop()).await.unwrap();
    let endpoints = target.endpoints("shop");
    assert_eq!(endpoints.len(), 2);
    let victim = instance("shop", 1);
    target.kill(&victim, &"one".to_owned()).await.unwrap();
    assert_eq!(
        state(&target, &victim),
        InstanceState::Down,
        "it is down at once"
    );
    assert_eq!(state(&target, &instance("shop", 0)), InstanceState::Ready);
    assert!(matches!(
        target.kill(&victim, &"two".to_owned()).await,
        Err(TargetError::NotRunning { .. })
    ));
    target.until_ready(&victim).await;
    assert_eq!(target.endpoints("shop"), endpoints);
    let nobody = instance("nobody", 0);
    assert!(matches!(
        target.kill(&nobody, &"three".to_owned()).await,
        Err(TargetError::Unknown { .. })
    ));
    target.stop_all().await;
    assert!(matches!(
        target.kill(&victim, &"four".to_owned()).await,
        Err(TargetError::Stopping { .. })
    ));
    let log = fs::read_to_string(running.run_dir.logs().join("shop-1.log")).unwrap();
    let port = endpoints[1].authority().unwrap().port_u16().unwrap();
    assert_eq!(
        log.matches(&format!("listening on {port}")).count(),
        2,
        "{log}"
    );
    let records = running.records().await;
    assert_eq!(
        life(&records, &victim),
        [
            "started",
            "ready",
            "down: signal 9 by one",
            "started",
            "ready",
            "stopped: signal 15"
        ]
    );
    assert_eq!(
        life(&records, &instance("shop", 0)),
        ["started", "ready", "stopped: signal 15"]
    );
    for pid in pids(&records, &victim) {
        assert!(!is_alive(pid));
    }
}

#[tokio::test]
async fn a_paused_instance_is_halted_and_goes_on() {
    let running = Running::prepare();
    let target = running.start(&shop()).await.unwrap();
    let victim = instance("shop", 0);
    let mut live = running.journal.subscribe();
    target.pause(&victim, &"halt".to_owned()).await.unwrap();
    assert_eq!(state(&target, &victim), InstanceState::Paused);
    loop {
        if let Record::InstancePaused { .. } = &live.recv().await.unwrap().record {
            break;
        }
    }
    let pid = pids(&lines(&running.run_dir.journal()), &victim)[0];
    eventually("it is halted", || is_halted(pid)).await;
    assert!(matches!(
        target.pause(&victim, &"other".to_owned()).await,
        Err(TargetError::AlreadyPaused { fault, .. }) if fault == "halt"
    ));
    // Another fault has no say.
    target.resume(&victim, &"other".to_owned()).await.unwrap();
    assert!(is_halted(pid));
    target.resume(&victim, &"halt".to_owned()).await.unwrap();
    eventually("it goes on", || !is_halted(pid)).await;
    assert_eq!(state(&target, &victim), InstanceState::Ready);
    // One that is halted when everything stops hears the polite signal too.
    target.pause(&victim, &"again".to_owned()).await.unwrap();
    target.stop_all().await;
    let records = running.records().await;
    assert_eq!(
        life(&records, &victim),
        [
            "started",
            "ready",
            "paused by halt",
            "resumed by halt",
            "paused by again",
            "stopped: signal 15"
        ]
    );
}

#[tokio::test]
async fn a_paused_instance_can_be_killed_and_its_pause_is_over_then() {
    let running = Running::prepare();
    let target = running.start(&shop()).await.unwrap();
    let victim = instance("shop", 0);
    target.pause(&victim, &"halt".to_owned()).await.unwrap();
    target.kill(&victim, &"one".to_owned()).await.unwrap();
    target.until_ready(&victim).await;
    target.resume(&victim, &"halt".to_owned()).await.unwrap();
    target.stop_all().await;
    assert_eq!(
        life(&running.records().await, &victim),
        [
            "started",
            "ready",
            "paused by halt",
            "down: signal 9 by one",
            "started",
            "ready",
            "stopped: signal 15"
        ]
    );
}

#[tokio::test]
async fn a_service_that_is_held_down_stays_away_until_it_is_released() {
    let running = Running::prepare();
    let target = running.start(&shop()).await.unwrap();
    let (first, second) = (instance("shop", 0), instance("shop", 1));
    // One of them is down already, and would come back.
    target.kill(&first, &"one".to_owned()).await.unwrap();
    for victim in [&first, &second] {
        target.hold_down(victim, &"gone".to_owned()).await.unwrap();
        target
            .hold_down(victim, &"gone-too".to_owned())
            .await
            .unwrap();
    }
    target.release(&first, &"gone".to_owned()).await.unwrap();
    target.release(&second, &"gone".to_owned()).await.unwrap();
    target
        .release(&second, &"gone-too".to_owned())
        .await
        .unwrap();
    // The restart delay of both is over when the one that was released is back.
    target.until_ready(&second).await;
    assert_eq!(
        state(&target, &first),
        InstanceState::Down,
        "one fault still holds it"
    );
    target
        .release(&first, &"gone-too".to_owned())
        .await
        .unwrap();
    target.until_ready(&first).await;
    target.stop_all().await;
    let records = running.records().await;
    assert_eq!(
        life(&records, &second),
        [
            "started",
            "ready",
            "down: signal 9 by gone",
            "started",
            "ready",
            "stopped: signal 15"
        ]
    );
}

#[tokio::test]
async fn an_instance_that_ends_by_itself_is_told_and_started_again() {
    let running = Running::prepare();
    let target = running.start(&shop()).await.unwrap();
    let address = target.endpoints("shop")[0].authority().unwrap();
    let mut live = running.journal.subscribe();
    let mut stream = std::net::TcpStream::connect(address.as_str()).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /die HTTP/1.1\r\n\r\n").unwrap();
    // What was journalled before may arrive late here.
    let (mut is_down, mut is_back) = (false, false);
    while !is_back {
        match &live.recv().await.unwrap().record {
            Record::InstanceDown { .. } => is_down = true,
            Record::InstanceReady { .. } => is_back = is_down,
            _ => {}
        }
    }
    target.stop_all().await;
    assert_eq!(
        life(&running.records().await, &instance("shop", 0)),
        [
            "started",
            "ready",
            "down: exit 3 by itself",
            "started",
            "ready",
            "stopped: signal 15"
        ]
    );
}

#[tokio::test]
async fn what_does_not_hear_is_killed_and_its_children_go_with_it() {
    let script = "trap '' TERM; sleep 1000 & echo $! > ${run}/child; exec sleep 1000";
    let stubborn = system(json!({ "services": { "stubborn": { "process": {
        "command": ["/bin/sh", "-c", format!("{} ${{port.http}} & {script}", server())],
        "ports": { "http": "auto" },
        "health": { "check": { "tcp": { "port": "http" } }, "interval": "10ms" },
        "stopWithin": "100ms",
    } } } }));
    let running = Running::prepare();
    let target = running.start(&stubborn).await.unwrap();
    let child_file = running.run_dir.work().join("child");
    let mut child = None;
    eventually("the child has told its id", || {
        child = fs::read_to_string(&child_file)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        child.is_some()
    })
    .await;
    let child = child.unwrap();
    assert!(is_alive(child));
    target.stop_all().await;
    eventually("the child is gone", || !is_alive(child)).await;
    let stubborn = instance("stubborn", 0);
    assert_eq!(
        life(&running.records().await, &stubborn),
        ["started", "ready", "stopped: signal 9"]
    );
}

#[tokio::test]
async fn dropping_a_target_leaves_nothing_behind() {
    let running = Running::prepare();
    let target = running.start(&shop()).await.unwrap();
    drop(target);
    let records = running.records().await;
    let pids: Vec<_> = (0..2)
        .flat_map(|replica| pids(&records, &instance("shop", replica)))
        .collect();
    assert_eq!(pids.len(), 2);
    eventually("all are gone", || pids.iter().all(|pid| !is_alive(*pid))).await;
}

#[tokio::test]
async fn words_and_environment_reach_the_command() {
    let echo = "printf '%s|' \"$WHO\" \"$PEERS\" \"$TOKEN\" ${service} ${replica} > ${run}/words-${replica}";
    let system = system(json!({
        "secrets": ["admin"],
        "prepare": {
            "command": ["/bin/sh", "-c", "echo \"$TOKEN\" > ${run}/prepared"],
            "env": { "TOKEN": "${secret.admin}" },
        },
        "services": { "shop": { "process": {
            "command": ["/bin/sh", "-c", format!("{echo}; exec {} ${{port.http}}", server())],
            "env": { "WHO": "a b", "PEERS": "${endpoints.shop}", "TOKEN": "${secret.admin}" },
            "replicas": 2,
            "ports": { "http": "auto" },
            "health": { "check": { "http": { "port": "http", "path": "/health" } }, "interval": "10ms" },
        } } },
    }));
    let running = Running::prepare();
    let target = running.start(&system).await.unwrap();
    let addresses: Vec<_> = target
        .endpoints("shop")
        .iter()
        .map(ToString::to_string)
        .collect();
    let work = running.run_dir.work();
    let token = fs::read_to_string(work.join("prepared"))
        .unwrap()
        .trim()
        .to_owned();
    assert_eq!(token.len(), 64);
    assert_eq!(
        fs::read_to_string(work.join("words-1")).unwrap(),
        format!("a b|{}|{token}|shop|1|", addresses.join(","))
    );
    target.stop_all().await;
    let records = running.records().await;
    assert!(!records.is_empty());
    assert!(!format!("{records:?}").contains(&token));
}

async fn error_of(system: &System) -> String {
    let running = Running::prepare();
    let error = running.start(system).await.unwrap_err().to_string();
    // Whatever was started is gone again.
    for record in running.records().await {
        if let Record::InstanceStarted { pid, .. } = record {
            assert!(!is_alive(pid), "{error}");
        }
    }
    error
}

fn service(process: serde_json::Value) -> serde_json::Value {
    let mut whole = json!({
        "ports": { "http": "auto" },
        "health": {
            "check": { "http": { "port": "http", "path": "/health" } },
            "interval": "10ms",
            "within": "300ms",
        },
    });
    whole
        .as_object_mut()
        .unwrap()
        .extend(process.as_object().unwrap().clone());
    json!({ "process": whole })
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let fine = service(json!({ "command": [server(), "${port.http}"] }));

    let missing = service(json!({ "command": ["no-such-program-anywhere"] }));
    let message = error_of(&system(
        json!({ "services": { "fine": fine, "shop": missing } }),
    ))
    .await;
    assert_eq!(
        message,
        "services.shop.process.command: `no-such-program-anywhere` was not found in PATH: install it, or write the path of the program"
    );

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken =
        service(json!({ "command": [server(), "${port.http}"], "ports": { "http": port } }));
    let message = error_of(&system(
        json!({ "services": { "fine": fine, "shop": taken } }),
    ))
    .await;
    assert!(
        message.contains(&format!("port {port} of shop/0 is in use")),
        "{message}"
    );

    let never =
        service(json!({ "command": ["/bin/sh", "-c", "echo one; echo two >&2; exec sleep 1000"] }));
    let message = error_of(&system(
        json!({ "services": { "fine": fine, "shop": never } }),
    ))
    .await;
    assert!(
        message.starts_with("shop/0 was not ready within 300ms; the last lines of"),
        "{message}"
    );
    assert!(message.ends_with("shop-0.log:\n  one\n  two"), "{message}");

    let dies = service(json!({ "command": ["/bin/sh", "-c", "echo no licence; exit 4"] }));
    let message = error_of(&system(
        json!({ "services": { "fine": fine, "shop": dies } }),
    ))
    .await;
    assert!(
        message.starts_with("shop/0 ended before it was ready (exit 4)"),
        "{message}"
    );
    assert!(message.ends_with("no licence"), "{message}");

    let word = service(json!({ "command": [server(), "${port.htpp}"] }));
    let message = error_of(&system(json!({ "services": { "shop": word } }))).await;
    assert!(
        message.starts_with("services.shop.process.command: `${port.htpp}` is unknown"),
        "{message}"
    );
}

#[tokio::test]
async fn a_failing_preparation_stops_everything() {
    let services = json!({ "shop": service(json!({ "command": [server(), "${port.http}"] })) });
    let failing =
        json!({ "command": ["/bin/sh", "-c", "echo cannot write the catalogue; exit 3"] });
    let message = error_of(&system(json!({ "prepare": failing, "services": services }))).await;
    assert!(
        message.starts_with("prepare.command ended with exit 3; "),
        "{message}"
    );
    assert!(message.ends_with("cannot write the catalogue"), "{message}");

    let slow = json!({ "command": ["sleep", "1000"], "within": "50ms" });
    let message = error_of(&system(json!({ "prepare": slow, "services": services }))).await;
    assert!(
        message.starts_with("prepare.command was not done within 50ms"),
        "{message}"
    );
}

#[tokio::test]
async fn a_system_that_runs_elsewhere_is_prepared_alone() {
    let elsewhere = |prepare: serde_json::Value| {
        let pods = json!({ "kubernetes": { "namespace": "shop", "pods": "app=shop" } });
        let spec = json!({
            "secrets": ["admin"], "prepare": prepare, "services": { "shop": pods },
        });
        system(spec)
    };
    let running = Running::prepare();
    let secrets = Secrets::draw(&["admin".to_owned()]).unwrap();
    let command = "cat > ${run}/empty; echo ${secret.admin} > ${run}/prepared";
    let good = elsewhere(json!({ "command": ["/bin/sh", "-c", command] }));
    prepare(&good, &running.run_dir, &secrets, &options())
        .await
        .unwrap();
    let work = running.run_dir.work();
    let token = fs::read_to_string(work.join("prepared")).unwrap();
    assert_eq!(Some(token.trim()), secrets.get("admin"));
    assert_eq!(fs::read(work.join("empty")).unwrap(), b"");

    let failing = elsewhere(json!({ "command": ["/bin/sh", "-c", "echo no users; exit 3"] }));
    let error = prepare(&failing, &running.run_dir, &secrets, &options()).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("prepare.command ended with exit 3; ") && error.ends_with("no users"),
        "{error}"
    );
}
