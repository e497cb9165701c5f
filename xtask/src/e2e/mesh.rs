//! The mesh as pods, by its chart: installed, broken while users are served, and removed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::charts::refused_by_name;
use super::cluster::output;
use super::game_day::said;
use super::scenario::{Scenario, wait_for};
use super::world::World;
use crate::{charts, postgres};

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 2] = [
    ("mesh-helm3", |world| {
        of_mesh(world, "helm3", Mesh::goes_through)
    }),
    ("mesh-game-day", |world| {
        of_mesh(world, "helm4", Mesh::is_broken)
    }),
];

/// What the images of these scenarios are called.
pub(super) const PROGRAM: &str = "demo-services";

const RELEASE: &str = "mesh";

/// How many kills of single pods a game day must have.
const KILLS: usize = 5;

/// Prepares what the chart wants to be there, lets the scenario do its work, and takes all away.
fn of_mesh<'world>(
    world: &'world World<'world>,
    helm: &'static str,
    work: impl FnOnce(&Mesh<'world>) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    // It is there before anything else, and longer.
    let server = postgres::Server::start(&postgres::programs()?, Some(address_of_node(world)?))?;
    let seen = with_database(world, helm, &server.url, work);
    server.stop()?;
    seen
}

fn with_database<'world>(
    world: &'world World<'world>,
    helm: &'static str,
    url: &str,
    work: impl FnOnce(&Mesh<'world>) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let mesh = Mesh::prepare(world, helm, url)?;
    let seen = work(&mesh);
    let uninstall = ["uninstall", RELEASE, "--ignore-not-found", "--wait"];
    mesh.helm(&uninstall)
        .context("the chart is in the way of others")?;
    seen
}

/// What a verdict says of a load that was not sent in time.
const TOO_BUSY: &str = "this machine is too small for the load";

/// The chart, the Helm that brings it into the cluster, and what it needs there.
struct Mesh<'world> {
    world: &'world World<'world>,
    helm: &'static str,
    /// What `demo-services setup` has made.
    data: PathBuf,
    /// The program, on this machine.
    program: PathBuf,
}

impl<'world> Mesh<'world> {
    fn prepare(
        world: &'world World<'world>,
        helm: &'static str,
        url: &str,
    ) -> anyhow::Result<Self> {
        super::build(PROGRAM)?;
        let program = crate::run::target().join("debug").join(PROGRAM);
        let data = world.folder().join("data");
        output(Command::new(&program).arg("setup").arg("--data").arg(&data))?;
        let mesh = Self {
            world,
            helm,
            data,
            program,
        };
        mesh.make_secrets(url)?;
        // Whatever the chart runs satisfies the strictest standard there is.
        let standard = "pod-security.kubernetes.io/enforce=restricted";
        let label = ["label", "namespace", &world.namespace, standard];
        world.cluster.kubectl(&label)?;
        Ok(mesh)
    }

    fn make_secrets(&self, url: &str) -> anyhow::Result<()> {
        // By a file, since whoever lists processes sees arguments.
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "mesh-database", "namespace": self.world.namespace},
            "stringData": {"url": url},
        });
        self.world.apply("mesh-database", &secret)?;
        let file = |path: &str| format!("--from-file={}", self.data.join(path).display());
        let (users, key) = (file("users.jsonl"), file("keys/manifest.key"));
        let create = ["create", "secret", "generic", "mesh-users", &users, &key];
        self.world.in_namespace(&create)?;
        Ok(())
    }

    /// Lint, template, install, test, upgrade, rollback and uninstall, and nothing is left.
    fn goes_through(&self) -> anyhow::Result<String> {
        self.is_well_formed()?;
        self.refuses_what_is_misspelt()?;
        let before = self.world.objects_in(&self.world.namespace)?;
        let ready = self.install()?;
        self.test()?;
        let token = self.admin_token()?;

        let changed = self.values(
            "changed",
            &json!({
                "metadata": {"replicas": 3}, "logFilter": "warn",
            }),
        )?;
        self.helm(&["upgrade", RELEASE, &path(), "--values", &changed, WAIT])?;
        self.test()?;
        ensure!(self.pods("metadata")? == 3, "the new values are not there");
        self.helm(&["rollback", RELEASE, "1", WAIT])?;
        self.test()?;
        ensure!(self.pods("metadata")? == 2, "the old values are not back");
        ensure!(
            self.admin_token()? == token,
            "the admin token is another one"
        );
        let logged_in = self.a_person_is_served()?;

        self.helm(&["uninstall", RELEASE, "--wait"])?;
        self.nothing_is_left(&before)?;
        Ok(format!(
            "ready after {ready:.0} s; users are served as installed, upgraded and rolled back, \
             {logged_in} kinds of answers; nothing is left"
        ))
    }

    /// The default game day kills pods and nobody notices; without the middleware users do.
    fn is_broken(&self) -> anyhow::Result<String> {
        self.is_well_formed()?;
        let world = self.world;
        let before = world.objects_in(&world.namespace)?;
        self.install()?;
        self.test()?;
        let system = world.folder().join("mesh.yaml");
        let printed = output(
            Command::new(&self.program)
                .args(["system", "--namespace", &world.namespace, "--data"])
                .arg(&self.data),
        )?;
        std::fs::write(&system, printed)?;

        let passed = self.game_day(&system, "passed", 0)?;
        let kills = single_kills(&passed);
        ensure!(kills >= KILLS, "only {kills} pods were killed one by one");
        ensure!(
            passed["total"]["yield"] == 1.0,
            "the yield is {}",
            passed["total"]["yield"]
        );
        let on_record = world.kills_that("killed")?.len();
        ensure!(on_record >= kills, "only {on_record} kills are on record");

        let bare = self.values("bare", &json!({"resilience": {"enabled": false}}))?;
        self.helm(&["upgrade", RELEASE, &path(), "--values", &bare, WAIT])?;
        let failed = self.game_day(&system, "failed", 1)?;
        let without = failed["total"]["yield"].as_f64().unwrap_or(f64::NAN);
        ensure!(
            without < 1.0,
            "without the middleware the yield is {without}"
        );
        self.helm(&["rollback", RELEASE, "1", WAIT])?;
        self.test()?;

        self.helm(&["uninstall", RELEASE, "--wait"])?;
        self.nothing_is_left(&before)?;
        Ok(format!(
            "{kills} pods killed one by one and all of recommendations away, {on_record} kills on \
             record: yield 100 %, {}; without the middleware {:.2} %, {}; rolled back it serves \
             again; nothing is left",
            passed["outcome"],
            without * 100.0,
            failed["outcome"],
        ))
    }

    fn install(&self) -> anyhow::Result<f64> {
        let began = Instant::now();
        let values = self.values("as-installed", &json!({}))?;
        self.helm(&["install", RELEASE, &path(), "--values", &values, WAIT])?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// The test of the chart, and what it has said if it fails.
    fn test(&self) -> anyhow::Result<()> {
        let tested = self.helm(&["test", RELEASE]);
        tested.map(drop).map_err(|error| {
            let pod = format!("{RELEASE}-{PROGRAM}-check");
            let said = self.world.in_namespace(&["logs", &pod]);
            error.context(said.unwrap_or_default())
        })
    }

    /// The verdict of a game day that ends with this code. Where the machine was too busy to send
    /// the load in time the verdict is inconclusive, whatever the mesh did, and it is run once more;
    /// what users have seen then counts all the same.
    fn game_day(&self, system: &Path, name: &str, code: i32) -> anyhow::Result<Value> {
        let mut out = self.world.folder().join(name);
        let mut ended = self.run_game_day(system, &out)?;
        let was_too_busy = |ended: &Output| said(ended).contains(TOO_BUSY);
        if was_too_busy(&ended) {
            out = self.world.folder().join(format!("{name}-again"));
            ended = self.run_game_day(system, &out)?;
        }
        ensure!(
            ended.status.code() == Some(code) || was_too_busy(&ended),
            "the game day ended with {}: {}",
            ended.status,
            said(&ended)
        );
        let verdict = std::fs::read_to_string(out.join("verdict.json"))?;
        Ok(serde_json::from_str(&verdict)?)
    }

    fn run_game_day(&self, system: &Path, out: &Path) -> anyhow::Result<Output> {
        let file = crate::run::root().join("game-days/pods.yaml");
        let monkey = self.world.monkey(&[]);
        // Users arrive in time, however busy the node is that is this machine, too.
        let mut command = self.world.cluster.command("nice");
        command
            .args(["-n", "-20"])
            .arg(monkey.get_program())
            .args(["game-day", "run", "--quiet"])
            .args([system, &file])
            .args([
                "--target",
                "kubernetes",
                "--agent-namespace",
                &self.world.home,
                "--out",
            ])
            .arg(out)
            .args(["--no-dry-run", "--yes"]);
        Ok(command.stdin(Stdio::null()).output()?)
    }

    /// Lints, and renders with everything that is optional.
    fn is_well_formed(&self) -> anyhow::Result<()> {
        let needed = ["--set", "database.secret=it,users.secret=it"];
        output(
            self.command()
                .args(["lint", "--strict"])
                .arg(path())
                .args(needed),
        )?;
        let all = [
            "chaos.enabled",
            "ingress.enabled",
            "networkPolicy.enabled",
            "serviceMonitor.enabled",
            "podMonitor.enabled",
            "dashboard.enabled",
        ];
        let all = all.map(|it| format!("{it}=true")).join(",");
        let rendered = self.template(&[&needed[..], &["--set", &all]].concat())?;
        for line in [
            "kind: Ingress",
            "kind: NetworkPolicy",
            "kind: ServiceMonitor",
            "kind: PodMonitor",
            "kind: PodDisruptionBudget",
            "chaos.aplomb.dev/enabled: \"true\"",
            "grafana_dashboard: \"1\"",
        ] {
            ensure!(rendered.contains(line), "there is no `{line}`");
        }
        Ok(())
    }

    /// Each misspelt word is refused, and named.
    fn refuses_what_is_misspelt(&self) -> anyhow::Result<()> {
        let with = |set: &str| format!("database.secret=it,users.secret=it,{set}");
        for (set, word) in [
            ("users.secret=it".to_owned(), "database.secret"),
            ("database.secret=it".to_owned(), "users.secret"),
            (with("database.url=it"), "'url' not allowed"),
            (with("resilience.enable=false"), "'enable' not allowed"),
            (with("chaos.enabled=maybe"), "want boolean"),
            (with("playbak.replicas=3"), "'playbak' not allowed"),
            (with("gateway.service.type=Balancer"), "must be one of"),
            (with("catalogue.titles=3"), "want 100"),
        ] {
            refused_by_name(self.template(&["--set", &set]), &set, word)?;
        }
        Ok(())
    }

    fn template(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let version = self.world.cluster.version()?;
        let mut command = self.command();
        command.args(["template", RELEASE]).arg(path());
        command.args(["--kube-version", &version]);
        output(command.args(arguments))
    }

    /// Values for a cluster with one small node, changed.
    fn values(&self, name: &str, change: &Value) -> anyhow::Result<String> {
        let mut values = json!({
            "database": {"secret": "mesh-database"},
            "users": {"secret": "mesh-users"},
            "chaos": {"enabled": true},
            "catalogue": {"viewers": 1_000},
        });
        super::world::merge(&mut values, change);
        let file = self.world.folder().join(format!("{name}.json"));
        std::fs::write(&file, values.to_string())?;
        Ok(file.display().to_string())
    }

    /// What the notes say: a person reaches the gateway from here, and asks for all there is.
    fn a_person_is_served(&self) -> anyhow::Result<usize> {
        let service = self.world.in_namespace(&[
            "get",
            "service",
            &format!("{RELEASE}-{PROGRAM}-gateway"),
            "--output=jsonpath={.spec.clusterIP}",
        ])?;
        let checked = output(
            Command::new(&self.program)
                .args(["check", &format!("http://{}:80", service.trim())])
                .arg("--users-file")
                .arg(self.data.join("users.jsonl")),
        )?;
        Ok(checked.lines().filter(|line| line.starts_with('✓')).count())
    }

    fn admin_token(&self) -> anyhow::Result<String> {
        let secret = format!("{RELEASE}-{PROGRAM}-admin");
        let token = "--output=jsonpath={.data.token}";
        let token = self
            .world
            .in_namespace(&["get", "secret", &secret, token])?;
        ensure!(!token.is_empty(), "there is no admin token");
        Ok(token)
    }

    /// How many pods of a service are ready.
    fn pods(&self, component: &str) -> anyhow::Result<usize> {
        let deployment = format!("{RELEASE}-{PROGRAM}-{component}");
        let ready = "--output=jsonpath={.status.readyReplicas}";
        let ready = self
            .world
            .in_namespace(&["get", "deployment", &deployment, ready])?;
        Ok(ready.trim().parse()?)
    }

    fn nothing_is_left(&self, before: &BTreeSet<String>) -> anyhow::Result<()> {
        let left = || self.world.objects_in(&self.world.namespace);
        wait_for(60, "everything is gone", || {
            Ok((left()? == *before).then_some(()))
        })
        .with_context(|| {
            let left = left().unwrap_or_default();
            format!("left are {:?}", left.difference(before))
        })
    }

    fn helm(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let namespace = ["--namespace", &self.world.namespace];
        output(self.command().args(arguments).args(namespace))
    }

    fn command(&self) -> Command {
        self.world.cluster.command(self.helm)
    }
}

/// Until everything is ready.
const WAIT: &str = "--wait";

fn path() -> String {
    charts::folder(PROGRAM).display().to_string()
}

/// How many pods a game day has killed one by one.
fn single_kills(verdict: &Value) -> usize {
    let faults = verdict["faults"].as_array().into_iter().flatten();
    faults
        .filter(|fault| fault["kind"] == "kill" && fault["endedMicros"].is_number())
        .count()
}

/// Where pods reach this machine.
fn address_of_node(world: &World<'_>) -> anyhow::Result<std::net::IpAddr> {
    ensure!(
        world.cluster.is_local(),
        "pods reach a database on this machine only where the cluster is a local one"
    );
    let nodes = world.cluster.json(&["get", "nodes"])?;
    let addresses = nodes["items"][0]["status"]["addresses"].as_array();
    let inside = addresses
        .into_iter()
        .flatten()
        .find(|it| it["type"] == "InternalIP")
        .and_then(|it| it["address"].as_str());
    Ok(inside.context("the node has no address")?.parse()?)
}
