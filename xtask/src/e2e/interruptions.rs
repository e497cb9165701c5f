//! What comes in between: a halt, a leader that stands still, an API that is away.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::cluster::output;
use super::probe::Probe;
use super::scenario::{Scenario, killed, pause, wait_for};
use super::world::World;

/// Those that disturb nobody.
pub(super) const BESIDE_OTHERS: [(&str, Scenario); 2] = [
    ("stopped-leader", stopped_leader),
    ("unreachable", unreachable),
];

/// Those that stop what others need, or for which a second counts.
pub(super) const ALONE: [(&str, Scenario); 2] = [("halt", halt), ("restarted-api", restarted_api)];

/// A halt ends all killing within a second.
fn halt(world: &World<'_>) -> anyhow::Result<String> {
    for name in ["one", "two", "three"] {
        world.deployment(name, 3, true)?;
    }
    let mut agent = world.agent("platform", "a", &json!({}))?;
    killed(world, 3)?;
    output(&mut world.monkey(&[
        "halt",
        "--reason",
        "enough",
        "--agent-namespace",
        &world.home,
    ]))?;
    pause(1_000);
    let after_a_second = world.kills()?.len();
    pause(5_000);
    ensure!(
        world.kills()?.len() == after_a_second,
        "killed on after the halt"
    );
    output(&mut world.monkey(&["resume", "--yes", "--agent-namespace", &world.home]))?;
    killed(world, after_a_second + 1)?;
    // The team of one namespace protects itself with kubectl alone.
    world.in_namespace(&[
        "create",
        "configmap",
        "chaos-halt",
        "--from-literal=reason=sale",
    ])?;
    pause(1_000);
    let after_a_second = world.kills()?.len();
    pause(4_000);
    ensure!(
        world.kills()?.len() == after_a_second,
        "killed on in a halted namespace"
    );
    ensure!(agent.log_text().contains("sale"), "the reason is not told");
    agent.end()?;
    Ok("nothing a second after the halt of everything, nor after that of the namespace".to_owned())
}

/// A leader is stopped after its record until past its lease, and continued: it sends nothing.
fn stopped_leader(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("web", 3, true)?;
    let before = world.pods("web")?;
    let probe = Probe::start()?;
    let change = json!({"guards": {"outage": {"http": probe.url()}}});
    let leader = world.agent("platform", "a", &change)?;
    let go = probe.hold_after_the_record()?;
    leader.signal("STOP")?;
    let record = world
        .kills()?
        .pop()
        .context("there is no record before the kill")?;
    ensure!(
        record["status"]["outcome"].is_null(),
        "it is settled already: {record}"
    );
    let stopped = Instant::now();
    // Its outage probe is not answered any more, so that it leads and settles and kills nobody.
    let other = world.agent("platform", "b", &change)?;
    let name = record["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let settled = wait_for(45, "the next leader settles the open record", || {
        let kills = world.kills_that("notSent")?;
        Ok(kills
            .into_iter()
            .find(|kill| kill["metadata"]["name"] == name.as_str()))
    })?;
    let after = stopped.elapsed().as_secs_f64();
    let reason = settled["status"]["reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    ensure!(reason.contains("the pod lives"), "{reason}");
    drop(go);
    leader.signal("CONT")?;
    pause(4_000);
    ensure!(
        world.pods("web")? == before,
        "the stopped leader has killed"
    );
    ensure!(
        world.kills_that("killed")?.is_empty(),
        "somebody has killed"
    );
    drop((leader, other));
    Ok(format!(
        "settled by the next leader {after:.0} s later, nothing was sent"
    ))
}

/// As whom an agent runs that is cut off: nobody else does.
const USER: &str = "65534";

/// The API cannot be reached, a halt is created meanwhile, the way is free again: no kill.
fn unreachable(world: &World<'_>) -> anyhow::Result<String> {
    ensure!(
        world.cluster.is_local(),
        "only a local cluster can be cut off"
    );
    world.deployment("web", 3, true)?;
    let command = world.agent_command("platform", "a", &json!({"guards": {"openKills": 100}}))?;
    let copied = std::env::temp_dir().join(format!("aplomb-e2e-{}", std::process::id()));
    std::fs::copy(world.cluster.kubeconfig(), &copied)?;
    output(std::process::Command::new("chown").arg(USER).arg(&copied))?;
    let mut as_nobody = world.cluster.command("setpriv");
    as_nobody
        .args(["--reuid", USER, "--clear-groups"])
        .arg(command.get_program());
    as_nobody
        .args(command.get_args())
        .env("KUBECONFIG", &copied);
    let mut agent = world.start(as_nobody, "platform", "a")?;
    let result = killed(world, 1).and_then(|_| cut_off(world, USER));
    // The agent is gone before its kubeconfig is.
    let log = agent.log_text();
    agent.kill()?;
    std::fs::remove_file(&copied)?;
    let before = result?;
    ensure!(
        world.pods("web")? == before,
        "a pod died although everything was halted meanwhile"
    );
    ensure!(
        log.contains("halted in") || log.contains("nothing is killed"),
        "it says nothing of it"
    );
    Ok("cut off for 8 s, halted meanwhile, free again: no kill".to_owned())
}

/// Cuts a user off from the API, halts everything, and lets it through again. Says which pods
/// lived before.
fn cut_off(world: &World<'_>, user: &str) -> anyhow::Result<BTreeSet<String>> {
    let rule = |verb: &str| {
        let mut command = std::process::Command::new("iptables");
        command.args([
            verb,
            "OUTPUT",
            "-m",
            "owner",
            "--uid-owner",
            user,
            "-j",
            "DROP",
        ]);
        output(&mut command)
    };
    rule("-I")?;
    let during = (|| {
        pause(6_500);
        world.rolled_out("web")?;
        let before = world.pods("web")?;
        output(&mut world.monkey(&[
            "halt",
            "--reason",
            "cut off",
            "--agent-namespace",
            &world.home,
        ]))?;
        pause(1_500);
        Ok(before)
    })();
    rule("-D")?;
    pause(8_000);
    during
}

/// The API server is stopped and started again, and everything is withheld at once: no kill on
/// what was known before.
fn restarted_api(world: &World<'_>) -> anyhow::Result<String> {
    ensure!(
        world.cluster.is_local(),
        "only a local cluster can be stopped"
    );
    world.deployment("web", 3, true)?;
    let mut agent = world.agent("platform", "a", &json!({"guards": {"openKills": 1}}))?;
    killed(world, 1)?;
    // Nothing may be killed for now, so that what lives can be counted.
    world.in_namespace(&[
        "create",
        "configmap",
        "chaos-halt",
        "--from-literal=reason=count",
    ])?;
    pause(2_500);
    world.rolled_out("web")?;
    let before = world.pods("web")?;
    world.cluster.local(&["stop", "kube-apiserver"])?;
    pause(5_000);
    world.cluster.local(&["up"])?;
    wait_for(60, "the API answers again", || {
        let withheld = world.in_namespace(&[
            "annotate",
            "--overwrite",
            "deployment",
            "web",
            "chaos.aplomb.dev/enabled=false",
        ]);
        Ok(withheld.ok())
    })?;
    world.in_namespace(&["delete", "configmap", "chaos-halt"])?;
    pause(12_000);
    ensure!(world.pods("web")? == before, "a pod died that is withheld");
    world.in_namespace(&[
        "annotate",
        "--overwrite",
        "deployment",
        "web",
        "chaos.aplomb.dev/enabled=true",
    ])?;
    let known = world.kills_that("killed")?.len();
    killed(world, known + 1)?;
    agent.end()?;
    Ok("no kill on old knowledge; it goes on by itself when it may".to_owned())
}
