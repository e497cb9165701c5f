//! What is shown on a real cluster. Each scenario says what it has seen, or what was wrong.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::cluster::output;
use super::probe::Probe;
use super::wait_for;
use super::world::{HOME, World};

/// A scenario.
pub(super) type Scenario = fn(&World<'_>) -> anyhow::Result<String>;

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 13] = [
    ("only-what-is-offered", only_what_is_offered),
    ("annotations", annotations),
    ("disruption-budget", disruption_budget),
    ("withheld-in-between", withheld_in_between),
    ("stopped-leader", stopped_leader),
    ("spent-budget", spent_budget),
    ("two-agents", two_agents),
    ("halt", halt),
    ("unreachable", unreachable),
    ("restarted-api", restarted_api),
    ("by-hand", by_hand),
    ("game-day", super::game_day::game_day),
    (
        "game-day-resource",
        super::game_day_resource::game_day_resource,
    ),
];

fn pause(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds));
}

/// Waits for so many records with this outcome.
fn killed(world: &World<'_>, count: usize) -> anyhow::Result<Vec<Value>> {
    wait_for(30, &format!("{count} kills"), || {
        let kills = world.kills_that("killed")?;
        Ok((kills.len() >= count).then_some(kills))
    })
}

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
                HOME,
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
    let ledger = world
        .cluster
        .json(&["get", "killledger", "chaos-ledger", "--namespace", HOME])?;
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

/// A halt ends all killing within a second.
fn halt(world: &World<'_>) -> anyhow::Result<String> {
    for name in ["one", "two", "three"] {
        world.deployment(name, 3, true)?;
    }
    let mut agent = world.agent("platform", "a", &json!({}))?;
    killed(world, 3)?;
    output(&mut world.monkey(&["halt", "--reason", "enough", "--agent-namespace", HOME]))?;
    pause(1_000);
    let after_a_second = world.kills()?.len();
    pause(5_000);
    ensure!(
        world.kills()?.len() == after_a_second,
        "killed on after the halt"
    );
    output(&mut world.monkey(&["resume", "--yes", "--agent-namespace", HOME]))?;
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
        output(&mut world.monkey(&["halt", "--reason", "cut off", "--agent-namespace", HOME]))?;
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

/// `kill`, `explain`, `plan`, `check` and `history` by the running agent's settings.
fn by_hand(world: &World<'_>) -> anyhow::Result<String> {
    world.deployment("web", 3, true)?;
    let change = json!({"schedule": {"rhythm": {"every": {"interval": "24h"}}}});
    let mut agent = world.agent("platform", "a", &change)?;
    wait_for(20, "the agent has published its settings", || {
        let plan = output(&mut world.monkey(&["plan", "--agent-namespace", HOME]));
        Ok(plan.ok())
    })?;
    let home = ["--agent-namespace", HOME];
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
