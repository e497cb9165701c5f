//! What the API itself refuses, after the agent's own guards have let it pass: something changes
//! while the eviction is on its way.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::relay::Relay;
use super::scenario::{Scenario, wait_for};
use super::world::World;

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 1] = [("refused-evictions", refused_evictions)];

/// A disruption budget that is used up meanwhile refuses, and so do two of them on one pod: both
/// is on record, and the pod lives.
fn refused_evictions(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("web", 3, true)?;
    budget(world, "web")?;
    let relay = Relay::start(world.cluster)?;
    let kubeconfig = world.folder().join("kubeconfig.json");
    std::fs::write(&kubeconfig, relay.kubeconfig().to_string())?;
    let evict = |copy: &str, meanwhile: &dyn Fn(&Value) -> anyhow::Result<()>| {
        world.forget()?;
        world.rolled_out("web")?;
        wait_for(30, "the budget allows a disruption", || {
            let allowed = "--output=jsonpath={.status.disruptionsAllowed}";
            let allowed = world.in_namespace(&["get", "poddisruptionbudget/web", allowed])?;
            Ok((allowed.trim() == "1").then_some(()))
        })?;
        let mut command = world.agent_command("platform", copy, &json!({}))?;
        command.env("KUBECONFIG", &kubeconfig);
        let mut agent = world.start(command, "platform", copy)?;
        let go = relay.held_eviction()?;
        let kill = world.kills()?.pop().context("there is no record of it")?;
        meanwhile(&kill)?;
        drop(go);
        let kill = wait_for(20, "the refusal is on record", || {
            Ok(world.kills_that("refused")?.pop())
        })?;
        agent.kill()?;
        let uid = kill["spec"]["podUid"].as_str().unwrap_or_default();
        ensure!(world.pods("web")?.contains(uid), "the pod died: {kill}");
        let reason = kill["status"]["reason"].as_str().unwrap_or_default();
        anyhow::Ok(reason.to_owned())
    };
    let used_up = evict("a", &|kill| evict_another(world, &kill["spec"]["pod"]))?;
    ensure!(
        used_up.contains("disruption budget"),
        "the reason is not that of the API: {used_up}"
    );
    let two = evict("b", &|_| budget(world, "second"))?;
    ensure!(
        two.contains("more than one PodDisruptionBudget"),
        "the reason is not that of the API: {two}"
    );
    Ok(format!("by the API: “{used_up}”; “{two}”"))
}

fn budget(world: &World<'_>, name: &str) -> anyhow::Result<()> {
    world.apply(
        &format!("budget-{name}"),
        &json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": world.namespace},
            "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
        }),
    )
}

/// Evicts a pod, as somebody else would, but not this one.
fn evict_another(world: &World<'_>, victim: &Value) -> anyhow::Result<()> {
    let names = world.in_namespace(&["get", "pods", "--selector=app=web", "--output=name"])?;
    let mut names = names.lines().filter_map(|it| it.strip_prefix("pod/"));
    let other = names.find(|name| victim != name).context("no other pod")?;
    let namespace = &world.namespace;
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": other, "namespace": namespace},
    });
    let file = world.folder().join("eviction.json");
    std::fs::write(&file, eviction.to_string())?;
    let path = format!("/api/v1/namespaces/{namespace}/pods/{other}/eviction");
    let create = ["create", "--raw", &path, "--filename"];
    world
        .cluster
        .kubectl(&[&create[..], &[&file.display().to_string()]].concat())?;
    Ok(())
}
