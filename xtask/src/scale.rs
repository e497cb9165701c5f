//! `cargo xtask scale`: memory and speed of the agent beside ten and a hundred thousand pods.
#![allow(clippy::disallowed_types, reason = "nothing here runs in tokio")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;

use crate::e2e::output as said;
use crate::performance::{self, Part};
use crate::run;

/// What starts a local cluster, from the top of the project.
const CLUSTER: &str = "../shared/cluster/cluster";

/// How long the first decision may take before this gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long an agent with nothing to do is watched.
const IDLE: Duration = Duration::from_secs(60);

/// Memory and speed of the agent beside many pods
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many pods, one run each
    #[arg(default_values_t = [10_000, 100_000])]
    pub pods: Vec<u32>,

    /// Print the tables and leave docs/performance.md as it is
    #[arg(long)]
    pub print: bool,
}

/// What one run has shown.
struct Seen {
    pods: u32,
    first_decision: Duration,
    peak_kib: u64,
    idle_kib: u64,
    lists: u64,
    others: u64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let cluster = run::root().join(CLUSTER);
    ensure!(
        cluster.exists(),
        "a crowd of pods needs a cluster that nothing runs in: there is no {CLUSTER}"
    );
    let build = ["build", "--release", "--package", "chaos-monkey"];
    let built = run::cargo().args(build).status()?;
    ensure!(built.success(), "chaos-monkey does not build");
    let mut all = Vec::new();
    for pods in &arguments.pods {
        let seen = beside(&cluster, *pods);
        said(Command::new(&cluster).arg("down"))?;
        all.push(seen.with_context(|| format!("beside {pods} pods"))?);
    }
    let text = table(&all, &plan()?)?;
    if arguments.print {
        print!("{text}");
        return Ok(());
    }
    performance::put(Part::Agent, &text)
}

/// One agent that decides each second, and one that has nothing to do, beside so many pods.
fn beside(cluster: &Path, pods: u32) -> anyhow::Result<Seen> {
    said(Command::new(cluster).args(["up", "--api"]))?;
    said(Command::new(cluster).args(["crowd", &pods.to_string()]))?;
    let world = World::new(cluster, pods)?;
    let begin = Instant::now();
    let mut busy = world.agent("busy", "1s")?;
    let first_decision = loop {
        if busy.log()?.contains("would be killed (dry run)") {
            break begin.elapsed();
        }
        busy.lives()?;
        ensure!(
            begin.elapsed() < PATIENCE,
            "no decision within {} s",
            PATIENCE.as_secs()
        );
        sleep(Duration::from_millis(20));
    };
    sleep(Duration::from_secs(20));
    let peak_kib = busy.memory("VmHWM:")?;
    drop(busy);
    let mut idle = world.agent("idle", "24h")?;
    // The lists of the beginning are over by then.
    sleep(first_decision.mul_f64(2.0) + Duration::from_secs(10));
    let before = world.requests()?;
    sleep(IDLE);
    let after = world.requests()?;
    idle.lives()?;
    Ok(Seen {
        pods,
        first_decision,
        peak_kib,
        idle_kib: idle.memory("VmRSS:")?,
        lists: after.0 - before.0,
        others: after.1 - before.1,
    })
}

/// A cluster with a crowd, and what is needed to run agents beside it.
struct World {
    cluster: PathBuf,
    kubeconfig: String,
    folder: PathBuf,
    program: PathBuf,
}

impl World {
    fn new(cluster: &Path, pods: u32) -> anyhow::Result<Self> {
        let folder = run::root().join("target/scale").join(pods.to_string());
        fs::create_dir_all(&folder)?;
        let world = Self {
            kubeconfig: said(Command::new(cluster).arg("kubeconfig"))?
                .trim()
                .to_owned(),
            cluster: cluster.to_owned(),
            folder,
            program: run::root().join("target/release/chaos-monkey"),
        };
        let definitions = world.folder.join("crd.json");
        fs::write(&definitions, said(Command::new(&world.program).arg("crd"))?)?;
        world.kubectl(&["apply", "--filename", &definitions.display().to_string()])?;
        world.kubectl(&["create", "namespace", "chaos-monkey"])?;
        // The API server has to know the definitions before the agent asks for them.
        let begin = Instant::now();
        while world
            .kubectl(&["get", "kills,killledgers", "--namespace", "chaos-monkey"])
            .is_err()
        {
            ensure!(
                begin.elapsed() < PATIENCE,
                "the definitions do not become known"
            );
            sleep(Duration::from_millis(200));
        }
        Ok(world)
    }

    fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        said(Command::new(&self.cluster).arg("kubectl").args(arguments))
    }

    /// An agent that takes every pod for a victim and kills none.
    fn agent(&self, name: &str, interval: &str) -> anyhow::Result<Agent> {
        let settings = json!({
            "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": "Agent", "metadata": {"name": name},
            "spec": {
                "seed": 1,
                "optIn": "none",
                "schedule": {
                    "weekdays": [
                        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
                    ],
                    "hours": {"from": "00:00", "to": "24:00"},
                    "rhythm": {"every": {"interval": interval}},
                },
                "guards": {"coolDown": "0s", "openKills": 1000},
            },
        });
        let file = self.folder.join(format!("{name}.yaml"));
        // JSON is YAML.
        fs::write(&file, settings.to_string())?;
        let log = self.folder.join(format!("{name}.log"));
        let child = Command::new(&self.program)
            .arg("agent")
            .arg(&file)
            .args(["--listen", "127.0.0.1:0"])
            .env("KUBECONFIG", &self.kubeconfig)
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok(Agent { child, log })
    }

    /// How many lists the API server was asked for, and how many other things, watches that last
    /// and leases apart.
    fn requests(&self) -> anyhow::Result<(u64, u64)> {
        let metrics = self.kubectl(&["get", "--raw", "/metrics"])?;
        let (mut lists, mut others) = (0, 0);
        let counters = metrics
            .lines()
            .filter(|line| line.starts_with("apiserver_request_total{"));
        for line in counters {
            let count = line
                .rsplit(' ')
                .next()
                .and_then(|it| it.parse::<f64>().ok());
            let count = count.context("a counter without a number")? as u64;
            // What the API server asks of itself, and this asks of it.
            let is_foreign = line.contains("resource=\"\"") || line.contains("leases");
            let is_of_crowd = ["pods", "replicasets", "deployments", "namespaces"]
                .iter()
                .any(|resource| line.contains(&format!("resource=\"{resource}\"")));
            if line.contains("verb=\"LIST\"") && is_of_crowd {
                lists += count;
            } else if !line.contains("verb=\"WATCH\"") && !is_foreign && is_of_crowd {
                others += count;
            }
        }
        Ok((lists, others))
    }
}

/// An agent that runs, until it is dropped.
struct Agent {
    child: Child,
    log: PathBuf,
}

impl Agent {
    fn log(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    fn lives(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the agent has ended, {status}:\n{}", self.log()?);
        }
        Ok(())
    }

    /// One line of its `/proc/PID/status`, in KiB.
    fn memory(&self, key: &str) -> anyhow::Result<u64> {
        run::memory_kib(self.child.id(), key)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The plan over a hundred thousand pods, as `benches/` measures it.
fn plan() -> anyhow::Result<String> {
    said(
        run::cargo()
            .args(["run", "--release", "--locked", "--quiet", "--bin", "plan"])
            .current_dir(run::root().join("benches"))
            .env_remove("CARGO_TARGET_DIR"),
    )
}

fn table(all: &[Seen], plan: &str) -> anyhow::Result<String> {
    let mut text = format!(
        "Written by `cargo xtask scale` on {}; {}. Pods are objects in a real API server, ten to a \
         ReplicaSet, and all may be victims (`optIn: none`). The peak is `VmHWM` after 20 s of a \
         decision each second, a dry run. Idle is an agent with nothing due: what it asked the API \
         server about pods, controllers and namespaces within {} s, its watches apart. chaoskube \
         at 58fc0b1 on such a cluster: 407 MiB beside 10,000 pods, 3,866 MiB and 19 s to its first \
         kill beside 100,000.\n\n\
         | pods | peak | goal | start to first decision | goal | idle | lists while idle | other requests |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|\n",
        jiff::Timestamp::now().strftime("%F"),
        performance::machine(),
        IDLE.as_secs(),
    );
    for seen in all {
        let mebibytes = |kib: u64| kib as f64 / 1024.0;
        let (memory, time) = match seen.pods {
            10_000 => ("≤ 24 MiB", ""),
            100_000 => ("≤ 64 MiB", "≤ 6 s"),
            _ => ("", ""),
        };
        writeln!(
            text,
            "| {} | {:.1} MiB | {memory} | {:.1} s | {time} | {:.1} MiB | {} | {} |",
            seen.pods,
            mebibytes(seen.peak_kib),
            seen.first_decision.as_secs_f64(),
            mebibytes(seen.idle_kib),
            seen.lists,
            seen.others,
        )?;
    }
    write!(text, "\n{plan}")?;
    Ok(text)
}
