//! Game days that stand in the cluster, run by an agent.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::game_day::{day, install_image, install_shop};
use super::scenario::{Scenario, wait_for};
use super::world::World;

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 1] = [("game-day-resource", game_day_resource)];

/// One is run to its verdict, and stands in the list with it; what an agent does for nobody is
/// refused; whoever deletes one ends it, and so does the end of the leader.
fn game_day_resource(world: &World<'_>) -> anyhow::Result<String> {
    let folder = crate::run::root().join("target/e2e/game-day-resource");
    std::fs::create_dir_all(&folder)?;
    install_image(&folder)?;
    install_shop(world)?;
    let days = Days { world };
    days.system("shop", &json!({}))?;
    let misspelt = days.apply("misspelt", "shop", |spec| spec["titel"] = "x".into());
    let misspelt = misspelt.err().context("a misspelt key is not refused")?;
    ensure!(misspelt.to_string().contains("titel"), "{misspelt:#}");

    let settings = json!({"gameDays": "only", "guards": {"openKills": 3}});
    let mut agent = world.agent("game-days", "a", &settings)?;
    days.apply("first", "shop", |_| {})?;
    days.apply("second", "shop", |spec| {
        spec["timeline"]["faults"] = json!([
            {"id": "one", "at": "3s", "do": {"kill": {"service": "cart"}}},
        ]);
        spec["timeline"]["duration"] = "14s".into();
    })?;
    let waits = days.until("second", "Pending")?;
    ensure!(waits["reason"].to_string().contains("first"), "{waits}");
    ensure!(
        days.edit("first").is_err(),
        "a game day can be changed while it runs"
    );
    let first = days.until("first", "Finished")?;
    ensure!(first["verdict"]["outcome"] == "passed", "{first}");
    let kills = first["killCount"].as_u64().unwrap_or_default();
    ensure!(kills >= 3, "{kills} kills are on record: {first}");
    let records = world.kills_that("killed")?;
    let names = first["kills"].as_array().context("no kills are named")?;
    let is_on_record = |name: &Value| records.iter().any(|it| it["metadata"]["name"] == *name);
    ensure!(names.iter().all(is_on_record), "{names:?} in {records:?}");
    let by_agent = |kill: &Value| kill["spec"]["agent"] == "game-days";
    ensure!(records.iter().all(by_agent), "{records:?}");
    let second = days.until("second", "Finished")?;
    ensure!(second["verdict"]["outcome"] == "passed", "{second}");
    let listed = world.in_namespace(&["get", "gamedays"])?;
    let line = listed.lines().find(|line| line.starts_with("first"));
    let line = line.context("it is not in the list")?.to_owned();
    for word in ["shop", "Finished", "passed", "100 %"] {
        ensure!(line.contains(word), "no `{word}` in: {line}");
    }

    let peak = agent.peak_mebibytes()?;

    days.refused()?;
    days.deleted()?;
    let left = days.left_by_its_leader(&mut agent)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    Ok(format!(
        "{}; the agent has had {peak:.0} MiB at most; what starts programs, or reaches beyond its \
         namespace, is refused; a deleted one ends; {left}",
        words.join(" ")
    ))
}

struct Days<'world> {
    world: &'world World<'world>,
}

impl Days<'_> {
    fn system(&self, name: &str, change: &Value) -> anyhow::Result<()> {
        let namespace = &self.world.namespace;
        let mut web = json!({"kubernetes": {
            "namespace": namespace, "pods": "app=web",
            "reach": {"url": format!("http://web.{namespace}.svc:80")},
        }});
        for (key, value) in change.as_object().into_iter().flatten() {
            web[key] = value.clone();
        }
        self.world.apply(
            &format!("system-{name}"),
            &json!({
                "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": "System",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"services": {
                    "web": web,
                    "cart": {"kubernetes": {"namespace": namespace, "pods": "app=cart"}},
                }},
            }),
        )
    }

    fn apply(
        &self,
        name: &str,
        system: &str,
        change: impl FnOnce(&mut Value),
    ) -> anyhow::Result<()> {
        let mut resource = day(6, 2);
        resource["metadata"] = json!({"name": name, "namespace": self.world.namespace});
        resource["spec"]["system"] = system.into();
        // As few that users are served in time beside all else that this machine does.
        resource["spec"]["load"]["rate"] = json!({"constant": 20});
        // A fault is over within a second where a new pod is ready so soon.
        resource["spec"]["steadyState"][0]["minimumSamples"] = 5.into();
        change(&mut resource["spec"]);
        self.world.apply(&format!("day-{name}"), &resource)
    }

    fn edit(&self, name: &str) -> anyhow::Result<String> {
        let patch = r#"{"spec": {"title": "another"}}"#;
        let what = ["patch", "gameday", name, "--type=merge", "--patch", patch];
        self.world.in_namespace(&what)
    }

    fn status(&self, name: &str) -> anyhow::Result<Value> {
        let day = ["get", "gameday", name, "--output=json"];
        let day: Value = serde_json::from_str(&self.world.in_namespace(&day)?)?;
        Ok(day["status"].clone())
    }

    fn until(&self, name: &str, phase: &str) -> anyhow::Result<Value> {
        wait_for(90, &format!("{name} is {phase}"), || {
            let status = self.status(name)?;
            Ok((status["phase"] == phase).then_some(status))
        })
    }

    fn refused(&self) -> anyhow::Result<()> {
        let process = json!({"process": {
            "command": ["true"], "ports": {"http": "auto"},
            "health": {"check": {"tcp": {"port": "http"}}},
        }});
        self.system("starts-programs", &process)?;
        self.apply("starts-programs", "starts-programs", |_| {})?;
        let kubernetes = json!({"kubernetes": {
            "namespace": "kube-system", "pods": "k8s-app=kube-dns",
            "reach": {"url": "http://example.com"},
        }});
        self.system("elsewhere", &kubernetes)?;
        self.apply("elsewhere", "elsewhere", |_| {})?;
        for (name, key) in [
            ("starts-programs", "services.web.process"),
            ("elsewhere", "services.web.kubernetes.namespace"),
            ("elsewhere", "services.web.kubernetes.reach.url"),
        ] {
            let status = self.until(name, "Refused")?;
            ensure!(status["reasons"].to_string().contains(key), "{status}");
        }
        let events = [
            "get",
            "events",
            "--field-selector",
            "reason=ChaosGameDayRefused",
        ];
        wait_for(10, "Events tell of it", || {
            let events = self.world.in_namespace(&events)?;
            Ok(events.contains("gameday/starts-programs").then_some(()))
        })
    }

    /// Deleted in the middle of an outage: the service comes back, and nothing dies any more.
    fn deleted(&self) -> anyhow::Result<()> {
        self.apply("deleted", "shop", only_an_outage)?;
        self.until_carts_die("deleted")?;
        self.world.in_namespace(&["delete", "gameday", "deleted"])?;
        self.carts_come_back()
    }

    /// Its leader is killed in the middle of an outage: the next one says that it is inconclusive,
    /// and kills nothing more of it.
    fn left_by_its_leader(&self, agent: &mut super::agent::Agent) -> anyhow::Result<String> {
        let settings = json!({"gameDays": "only", "guards": {"openKills": 3}});
        let mut next = self.world.agent("game-days", "b", &settings)?;
        self.apply("left", "shop", only_an_outage)?;
        self.until_carts_die("left")?;
        agent.kill()?;
        let status = self.until("left", "Finished")?;
        ensure!(status["verdict"]["outcome"] == "inconclusive", "{status}");
        ensure!(
            status["reason"].to_string().contains("has left it"),
            "{status}"
        );
        self.carts_come_back()?;
        next.end()?;
        Ok("one whose leader was killed is inconclusive".to_owned())
    }

    fn until_carts_die(&self, name: &str) -> anyhow::Result<()> {
        self.until(name, "Running")?;
        let before = self.world.kills_that("killed")?.len();
        wait_for(40, "carts are kept down", || {
            let kills = self.world.kills_that("killed")?.len();
            Ok((kills >= before + 4).then_some(()))
        })
    }

    fn carts_come_back(&self) -> anyhow::Result<()> {
        self.world.rolled_out("cart")?;
        let pods = self.world.pods("cart")?;
        std::thread::sleep(Duration::from_secs(3));
        ensure!(self.world.pods("cart")? == pods, "something still kills");
        Ok(())
    }
}

/// Carts are away for as long as anybody looks.
fn only_an_outage(spec: &mut Value) {
    spec["timeline"] = json!({
        "duration": "60s",
        "faults": [{"id": "no-carts", "at": "3s", "do": {"outage": {
            "service": "cart", "for": "50s", "allowOutage": true,
        }}}],
    });
}
