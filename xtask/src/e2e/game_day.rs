//! A game day in pods: a small shop whose users are served while its pods are killed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::cluster::output;
use super::scenario::{Scenario, wait_for};
use super::world::World;

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 1] = [("game-day", game_day)];

/// What makes images and brings them to a local cluster, from the top of the project.
const TOOLS: &str = "../shared/cluster";

/// The image of the shop's services: `server.c` of the tests, and nothing else.
const IMAGE: &str = "local/tiny-server:1";

/// Users are served while pods die and a service is away; a guard, a dry run and nobody to be
/// asked are told apart; whoever interrupts it finds nothing left that kills.
fn game_day(world: &World<'_>) -> anyhow::Result<String> {
    let folder = crate::run::root().join("target/e2e/game-day");
    // What another run has left.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    install_image(&folder)?;
    install_shop(world)?;
    let shop = Shop { world, folder };

    let unasked = shop.run("unasked", &day(4, 2), &["--no-dry-run"])?;
    ensure!(unasked.status.code() == Some(2), "{}", said(&unasked));
    ensure!(said(&unasked).contains("give --yes"), "{}", said(&unasked));
    let dry = shop.run("dry", &day(4, 2), &[])?;
    ensure!(dry.status.code() == Some(4), "{}", said(&dry));
    ensure!(said(&dry).contains("this is a dry run"), "{}", said(&dry));
    ensure!(world.kills()?.is_empty(), "a dry run is on record");

    let really = ["--no-dry-run", "--yes"];
    let passed = shop.run("passed", &day(13, 4), &really)?;
    ensure!(passed.status.code() == Some(0), "{}", said(&passed));
    let kills = world.kills_that("killed")?;
    ensure!(kills.len() >= 5, "{} kills are on record", kills.len());
    let by_hand = |kill: &Value| kill["spec"]["agent"] == "by hand";
    ensure!(kills.iter().all(by_hand), "{kills:?}");
    let is_whole = |kill: &Value| kill["status"]["wholeAfter"].is_string();
    ensure!(kills.iter().all(is_whole), "{kills:?}");
    world.rolled_out("cart")?;

    world.in_namespace(&[
        "create",
        "configmap",
        "chaos-halt",
        "--from-literal=reason=sale",
    ])?;
    let halted = shop.run("halted", &day(4, 2), &really)?;
    ensure!(halted.status.code() == Some(4), "{}", said(&halted));
    ensure!(said(&halted).contains("halt: "), "{}", said(&halted));
    ensure!(
        world.kills_that("killed")?.len() == kills.len(),
        "killed in spite of a halt"
    );
    world.in_namespace(&["delete", "configmap", "chaos-halt"])?;

    shop.interrupted()?;
    let proof = said(&passed);
    let proof = proof.lines().find(|line| line.contains("users noticed"));
    Ok(format!(
        "{}; {} kills on record; a dry run, a halt and an interruption are told apart",
        proof.context("no proof was shown")?.trim(),
        kills.len()
    ))
}

struct Shop<'world> {
    world: &'world World<'world>,
    folder: PathBuf,
}

impl Shop<'_> {
    fn command(&self, name: &str, day: &Value, flags: &[&str]) -> anyhow::Result<Command> {
        let namespace = &self.world.namespace;
        let system = json!({
            "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": "System",
            "metadata": {"name": "shop"},
            "spec": {"services": {
                "web": {"kubernetes": {
                    "namespace": namespace, "pods": "app=web",
                    "reach": {"service": {"name": "web", "port": 80}},
                }},
                "cart": {"kubernetes": {"namespace": namespace, "pods": "app=cart"}},
            }},
        });
        let agent = json!({
            "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": "Agent",
            "metadata": {"name": "game-days"},
            "spec": {
                "namespaces": {"only": [namespace]},
                "schedule": {
                    "weekdays": [
                        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
                    ],
                    "hours": {"from": "00:00", "to": "24:00"},
                    "rhythm": {"perOwner": {"meanTime": 1, "minimumTime": 0}},
                },
                "guards": {"coolDown": "0s", "openKills": 3},
            },
        });
        let mut files = Vec::new();
        for (kind, resource) in [("system", &system), ("day", day), ("agent", &agent)] {
            let file = self.folder.join(format!("{name}-{kind}.yaml"));
            // JSON is YAML.
            std::fs::write(&file, resource.to_string())?;
            files.push(file.display().to_string());
        }
        let out = self.folder.join(name).display().to_string();
        let fixed = [
            "--target",
            "kubernetes",
            "--agent-namespace",
            &self.world.home,
            "--out",
            &out,
        ];
        let mut command = self.world.monkey(&["game-day", "run", "--quiet"]);
        command.args(&files).args(fixed).args(flags);
        command.stdin(Stdio::null());
        Ok(command)
    }

    fn run(&self, name: &str, day: &Value, flags: &[&str]) -> anyhow::Result<Output> {
        Ok(self.command(name, day, flags)?.output()?)
    }

    /// Interrupted in the middle of an outage: the service comes back, and nothing dies any more.
    fn interrupted(&self) -> anyhow::Result<()> {
        let before = self.world.kills_that("killed")?.len();
        let mut command = self.command("interrupted", &day(1, 20), &["--no-dry-run", "--yes"])?;
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        wait_for(40, "carts are kept down", || {
            let kills = self.world.kills_that("killed")?.len();
            Ok((kills >= before + 5).then_some(()))
        })?;
        output(Command::new("kill").args(["-INT", &child.id().to_string()]))?;
        let status = child.wait()?;
        ensure!(
            status.code() == Some(3),
            "interrupted, it ended with {status}"
        );
        let pods = self.world.pods("cart")?;
        sleep(Duration::from_secs(3));
        ensure!(self.world.pods("cart")? == pods, "something still kills");
        self.world.rolled_out("cart")
    }
}

/// A game day: one kill a second and a half for so many seconds, then carts are away.
pub(super) fn day(monkey: u32, outage: u32) -> Value {
    let seconds = |seconds: u32| format!("{seconds}s");
    let end = 3 + monkey + 6 + outage;
    json!({
        "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": "GameDay",
        "metadata": {"name": "pods-die"},
        "spec": {
            "title": "Pods die", "hypothesis": "Nobody notices.", "system": "shop",
            "load": {
                "target": "web", "rate": {"constant": 50},
                "journeys": {"look": {
                    "weight": 1, "steps": [{"name": "look", "request": {"path": "/"}}],
                }},
            },
            "steadyState": [{
                "id": "served", "metric": "yield", "minimumSamples": 20,
                "tolerance": {
                    "before": {"atLeast": 1}, "during": {"atLeast": 1}, "after": {"atLeast": 1},
                },
            }],
            "timeline": {
                "duration": seconds(end + 6),
                "faults": [
                    {"id": "single-kills", "at": "3s", "do": {"monkey": {
                        "every": "2500ms", "for": seconds(monkey),
                    }}},
                    {"id": "no-carts", "at": seconds(3 + monkey + 6), "do": {"outage": {
                        "service": "cart", "for": seconds(outage), "allowOutage": true,
                    }}},
                ],
            },
            "recovery": {"within": "10s", "hold": "1s"},
        },
    })
}

/// What a command has said on both of its outputs.
pub(super) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

pub(super) fn install_image(folder: &Path) -> anyhow::Result<()> {
    let tools = crate::run::root().join(TOOLS);
    if !tools.join("image").exists() {
        bail!("there is nothing here that makes an image of a program and brings it to the nodes");
    }
    let source = crate::run::root().join("chaos-monkey/tests/support/server.c");
    let (program, archive) = (folder.join("server"), folder.join("server.tar"));
    let compile = ["-static", "-O1", "-o"];
    output(Command::new("cc").args(compile).arg(&program).arg(source))?;
    let made = Command::new(tools.join("image"))
        .arg(IMAGE)
        .arg(&program)
        .output()?;
    ensure!(made.status.success(), "no image: {}", said(&made));
    std::fs::write(&archive, made.stdout)?;
    output(
        Command::new(tools.join("cluster"))
            .arg("load")
            .arg(&archive),
    )?;
    Ok(())
}

/// Two Deployments that serve, and a Service for one of them.
pub(super) fn install_shop(world: &World<'_>) -> anyhow::Result<()> {
    let namespace = &world.namespace;
    let deployment = |name: &str, replicas: u32| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": name, "namespace": namespace,
                "annotations": {"chaos.aplomb.dev/enabled": "true"},
            },
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"terminationGracePeriodSeconds": 1, "containers": [{
                        "name": "server", "image": IMAGE, "imagePullPolicy": "Never",
                        "args": [":8080"],
                        "readinessProbe": {
                            "httpGet": {"port": 8080, "path": "/health"}, "periodSeconds": 1,
                        },
                    }]},
                },
            },
        })
    };
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    world.apply("web", &deployment("web", 3))?;
    world.apply("cart", &deployment("cart", 2))?;
    world.apply("service", &service)?;
    world.rolled_out("web")?;
    world.rolled_out("cart")?;
    let service = world.in_namespace(&["get", "service", "web", "--output", "json"])?;
    let service: Value = serde_json::from_str(&service)?;
    let ip = service["spec"]["clusterIP"].as_str().unwrap_or_default();
    // The nodes hear of a new Service a while after its pods are ready.
    wait_for(60, "the Service answers", || Ok(answers(ip).then_some(())))
}

/// Whether the shop answers at an address, several times in a row.
fn answers(ip: &str) -> bool {
    let answer = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((ip, 80))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    (0..10).all(|_| answer().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")))
}
