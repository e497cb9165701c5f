//! How many may be killed: disruption budgets, and budgets of the agents themselves.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;

use super::scenario::{Scenario, killed, pause, wait_for};
use super::world::World;

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 3] = [
    ("two-agents", two_agents),
    ("disruption-budget", disruption_budget),
    ("spent-budget", spent_budget),
];

/// A disruption budget refuses; freed by a scale-up five seconds later; the pods lived until then.
fn disruption_budget(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("web", 2, true)?;
    world.apply(
        "budget",
        &json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "web", "namespace": world.namespace},
            "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
        }),
    )?;
    let before = world.pods("web")?;
    let mut agent = world.agent("platform", "a", &json!({"guards": {"openKills": 1}}))?;
    wait_for(30, "the budget refuses", || {
        let log = agent.log_text();
        Ok(log.contains("allows no disruption").then_some(()))
    })?;
    pause(5_000);
    ensure!(
        world.pods("web")? == before,
        "a pod died against the budget"
    );
    ensure!(
        world.kills()?.is_empty(),
        "something was sent against the budget"
    );
    world.in_namespace(&["scale", "deployment/web", "--replicas=3"])?;
    let scaled = Instant::now();
    killed(world, 1)?;
    let after = scaled.elapsed().as_secs_f64();
    agent.end()?;
    Ok(format!(
        "refused for 5 s, killed {after:.1} s after the scale-up"
    ))
}

/// A budget that is spent stays spent, whatever is started anew.
fn spent_budget(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("web", 4, true)?;
    let change = json!({"guards": {"budget": {"perHour": 2}}});
    let mut agent = world.agent("platform", "a", &change)?;
    killed(world, 2)?;
    pause(3_000);
    agent.end()?;
    world.rolled_out("web")?;
    pause(2_000);
    let before = world.pods("web")?;
    for copy in ["b", "c"] {
        let mut agent = world.agent("platform", copy, &change)?;
        wait_for(30, "the budget forbids", || {
            Ok(agent
                .log_text()
                .contains("2 kills in all within the hour")
                .then_some(()))
        })?;
        pause(2_000);
        agent.end()?;
    }
    ensure!(world.pods("web")? == before, "a pod died beyond the budget");
    ensure!(
        world.kills_that("killed")?.len() == 2,
        "more kills than the budget"
    );
    Ok("2 kills, and none after two new starts".to_owned())
}

/// Two agents with a budget of three never make it four, over twenty deaths in the middle of kills.
fn two_agents(world: &World<'_>) -> anyhow::Result<String> {
    const ROUNDS: usize = 7;
    const DEATHS: usize = 3;
    let names = ["one", "two", "three", "four"];
    for name in names {
        world.deployment(name, 3, true)?;
    }
    let change = json!({"guards": {"budget": {"perDay": 3}}});
    let mut seen = Vec::new();
    let mut deaths = 0;
    for round in 0..ROUNDS {
        world.forget()?;
        let before = created(world)?;
        let mut agents = [
            world.agent("one", "a", &change)?,
            world.agent("two", "a", &change)?,
        ];
        for death in 0..DEATHS {
            let known = world.kills()?.len();
            let end = Instant::now() + Duration::from_secs(3);
            while world.kills()?.len() == known && Instant::now() < end {}
            let which = (round + death) % 2;
            agents[which].kill()?;
            deaths += 1;
            let name = ["one", "two"][which];
            // Nobody else is there to wait for its end.
            let lease = format!("chaos-monkey-{name}");
            world.cluster.kubectl(&[
                "delete",
                "lease",
                &lease,
                "--namespace",
                &world.home,
                "--ignore-not-found",
            ])?;
            agents[which] = world.agent(name, &format!("{round}-{death}"), &change)?;
        }
        pause(5_000);
        for agent in &mut agents {
            agent.kill()?;
        }
        for name in names {
            world.rolled_out(name)?;
        }
        pause(1_500);
        let dead = created(world)?.difference(&before).count();
        ensure!(
            dead <= 3,
            "{dead} pods died in round {round}, and the budget is 3"
        );
        // It binds: whatever was reserved in the middle of a death counts, too.
        let reserved = reserved(world)?;
        ensure!(
            reserved == 3,
            "{reserved} reservations after round {round}, and the budget is 3"
        );
        seen.push(dead);
    }
    ensure!(seen.iter().any(|dead| *dead > 0), "nobody died: {seen:?}");
    Ok(format!(
        "{deaths} deaths of agents in {ROUNDS} rounds; pods killed in each: {seen:?}"
    ))
}

/// How many kills the ledger holds.
fn reserved(world: &World<'_>) -> anyhow::Result<usize> {
    let ledger = world.cluster.json(&[
        "get",
        "killledger",
        "chaos-ledger",
        "--namespace",
        &world.home,
    ])?;
    Ok(ledger["spec"]["kills"].as_array().map_or(0, Vec::len))
}

/// The names of all pods that were ever made in the namespace, as the events of their owners say.
fn created(world: &World<'_>) -> anyhow::Result<BTreeSet<String>> {
    let events = world.cluster.json(&[
        "get",
        "events",
        "--namespace",
        &world.namespace,
        "--field-selector",
        "reason=SuccessfulCreate",
    ])?;
    let events = events["items"].as_array().cloned().unwrap_or_default();
    Ok(events
        .iter()
        .filter_map(|event| event["message"].as_str().map(str::to_owned))
        .collect())
}
