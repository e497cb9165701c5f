//! What a person runs beside an agent.

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::cluster::output;
use super::scenario::{Scenario, wait_for};
use super::world::World;

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 1] = [("by-hand", by_hand)];

/// `kill`, `explain`, `plan`, `check` and `history` by the running agent's settings.
fn by_hand(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("web", 3, true)?;
    let change = json!({"schedule": {"rhythm": {"every": {"interval": "24h"}}}});
    let mut agent = world.agent("platform", "a", &change)?;
    wait_for(20, "the agent has published its settings", || {
        let plan = output(&mut world.monkey(&["plan", "--agent-namespace", &world.home]));
        Ok(plan.ok())
    })?;
    let home = ["--agent-namespace", &world.home];
    let pod = world.in_namespace(&["get", "pods", "--output", "name"])?;
    let pod = pod
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("pod/"))
        .context("a pod")?;
    let pod = format!("{}/{pod}", world.namespace);
    let explained = output(&mut world.monkey(&[&["explain", &pod][..], &home].concat()))?;
    ensure!(
        explained.contains("would be killed if it were due now"),
        "{explained}"
    );
    let before = world.pods("web")?;
    let dry = output(&mut world.monkey(&[&["kill", &pod][..], &home].concat()))?;
    ensure!(dry.contains("would be killed"), "{dry}");
    ensure!(world.pods("web")? == before, "a dry run has killed");
    ensure!(world.kills()?.is_empty(), "a dry run is on record");
    let real = ["kill", &pod, "--no-dry-run", "--yes"];
    let said = output(&mut world.monkey(&[&real[..], &home].concat()))?;
    ensure!(said.contains("is whole again after"), "{said}");
    ensure!(world.pods("web")? != before, "nobody died");
    let history = output(&mut world.monkey(&[&["history"][..], &home].concat()))?;
    ensure!(
        history.contains("by hand") && history.contains("killed"),
        "{history}"
    );
    let checked = output(&mut world.monkey(&[&["check"][..], &home].concat()))?;
    ensure!(!checked.contains('✗'), "{checked}");
    agent.end()?;
    Ok(said.trim().replace('\n', "; "))
}
