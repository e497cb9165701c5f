//! Who may be killed: what was offered, and not withheld until the last moment.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::cluster::output;
use super::probe::Probe;
use super::scenario::{Scenario, killed, wait_for};
use super::world::World;

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 3] = [
    ("only-what-is-offered", only_what_is_offered),
    ("annotations", annotations),
    ("withheld-in-between", withheld_in_between),
];

/// Opted-in only; owners come back; how long it took is on record; events tell of it.
fn only_what_is_offered(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("offered", 3, true)?;
    world.deployment("silent", 3, false)?;
    let silent = world.pods("silent")?;
    let mut agent = world.agent("platform", "a", &json!({"guards": {"openKills": 1}}))?;
    let kills = killed(world, 4)?;
    for kill in &kills {
        ensure!(kill["spec"]["owner"]["name"] == "offered", "{kill}");
    }
    wait_for(20, "the owner is whole again and on record as such", || {
        let kills = world.kills_that("killed")?;
        let is_whole = |kill: &Value| kill["status"]["wholeAfter"].is_string();
        Ok(kills.iter().filter(|kill| is_whole(kill)).nth(3).map(drop))
    })?;
    agent.end()?;
    ensure!(
        world.pods("silent")? == silent,
        "a pod died that nobody has offered"
    );
    world.rolled_out("offered")?;
    let events =
        world.in_namespace(&["get", "events", "--field-selector", "reason=ChaosKilled"])?;
    ensure!(
        events.contains("deployment/offered"),
        "no event on the owner: {events}"
    );
    let times: Vec<String> = world
        .kills_that("killed")?
        .iter()
        .filter_map(|kill| kill["status"]["wholeAfter"].as_str().map(str::to_owned))
        .collect();
    Ok(format!(
        "{} kills, all offered; whole again after {}",
        kills.len(),
        times.join(", ")
    ))
}

/// What a workload says narrows it, and what nobody understands forbids it and is an Event.
fn annotations(world: &World<'_>) -> anyhow::Result<String> {
    for name in ["plain", "closed", "misread"] {
        world.deployment(name, 3, true)?;
    }
    // A minute of the day that is not now.
    let now = output(std::process::Command::new("date").args(["-u", "+%H"]))?;
    let hours = if now.trim() < "12" {
        "chaos.aplomb.dev/hours=22:00-22:01"
    } else {
        "chaos.aplomb.dev/hours=02:00-02:01"
    };
    world.in_namespace(&["annotate", "deployment", "closed", hours])?;
    let mode = "chaos.aplomb.dev/mode=some";
    world.in_namespace(&["annotate", "deployment", "misread", mode])?;
    let [closed, misread] = [world.pods("closed")?, world.pods("misread")?];
    let mut agent = world.agent("platform", "a", &json!({}))?;
    let kills = killed(world, 3)?;
    wait_for(70, "an event tells of what is not understood", || {
        let field = "reason=ChaosMisread";
        let events = world.in_namespace(&["get", "events", "--field-selector", field])?;
        Ok(events.contains("deployment/misread").then_some(()))
    })?;
    agent.end()?;
    for kill in &kills {
        ensure!(kill["spec"]["owner"]["name"] == "plain", "{kill}");
    }
    ensure!(
        world.pods("closed")? == closed,
        "a pod died out of its hours"
    );
    ensure!(
        world.pods("misread")? == misread,
        "a pod died of which nobody knows what was meant"
    );
    let described = world.in_namespace(&["describe", "deployment", "misread"])?;
    ensure!(
        described.contains("ChaosMisread"),
        "kubectl describe shows no event: {described}"
    );
    Ok("its hours and a word that nobody understands keep a workload alive".to_owned())
}

/// An opt-out set on pod, owner or namespace between the record and the sending.
fn withheld_in_between(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("web", 3, true)?;
    for place in ["pod", "deployment", "namespace"] {
        let before = world.pods("web")?;
        let probe = Probe::start()?;
        let change = json!({"guards": {"outage": {"http": probe.url()}}});
        let mut agent = world.agent("platform", place, &change)?;
        let go = probe.hold_after_the_record()?;
        let record = world
            .kills()?
            .pop()
            .context("there is no record before the kill")?;
        let pod = record["spec"]["pod"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let (name, word) = match place {
            "pod" => (pod.as_str(), "chaos.aplomb.dev/enabled=false"),
            "deployment" => ("web", "chaos.aplomb.dev/enabled=false"),
            _ => (world.namespace.as_str(), "chaos.aplomb.dev/enabled=false"),
        };
        world.in_namespace(&["annotate", "--overwrite", place, name, word])?;
        drop(go);
        let kill = wait_for(20, "the record is completed", || {
            Ok(world.kills_that("notSent")?.pop())
        })?;
        agent.kill()?;
        let reason = kill["status"]["reason"].as_str().unwrap_or_default();
        ensure!(reason.starts_with("opt-in: "), "{place}: {reason}");
        ensure!(
            world.pods("web")? == before,
            "{place}: a pod died that was withheld"
        );
        let undone = if place == "deployment" {
            "chaos.aplomb.dev/enabled=true"
        } else {
            "chaos.aplomb.dev/enabled-"
        };
        world.in_namespace(&["annotate", "--overwrite", place, name, undone])?;
        world.forget()?;
    }
    Ok("pod, owner and namespace: recorded, not sent".to_owned())
}
