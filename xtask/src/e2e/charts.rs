//! The agent's chart on a real cluster, by Helm 3 and by Helm 4.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::cluster::output;
use super::scenario::{Scenario, wait_for};
use super::world::World;
use crate::charts;

/// All of them, by name.
pub(super) const ALL: [(&str, Scenario); 2] = [
    ("chart-helm3", |world| of_chart(world, "helm3")),
    ("chart-helm4", |world| of_chart(world, "helm4")),
];

const RELEASE: &str = "monkey";

/// The name of everything in the release.
const NAME: &str = "monkey-chaos-monkey";

/// Where the chart mounts the settings.
const SETTINGS: &str = "/etc/chaos-monkey/settings/agent.yaml";

/// What the image of these scenarios is called.
pub(super) const PROGRAM: &str = "chaos-monkey";

/// Lint, template, install, test, upgrade, rollback, uninstall, install again, and nothing is left
/// at the end. The agent kills with exactly the rights that the chart gives it.
fn of_chart(world: &World<'_>, helm: &'static str) -> anyhow::Result<String> {
    let chart = Chart { world, helm };
    let seen = chart.goes_through();
    chart.clean().context("the chart is in the way of others")?;
    seen
}

/// The chart, and the Helm that brings it into the cluster.
struct Chart<'world> {
    world: &'world World<'world>,
    helm: &'static str,
}

impl Chart<'_> {
    fn goes_through(&self) -> anyhow::Result<String> {
        let world = self.world;
        self.is_well_formed()?;
        self.refuses_what_is_misspelt()?;
        self.delete_definitions()?;
        // Whatever the chart runs satisfies the strictest standard there is.
        self.label_home("pod-security.kubernetes.io/enforce=restricted")?;
        let before = self.everything()?;
        world.deployment("web", 3, true)?;

        let began = Instant::now();
        let everywhere = self.values("everywhere", "cluster", 1)?;
        self.helm(&["install", RELEASE, &path(), "--values", &everywhere, WAIT])?;
        let ready = began.elapsed().as_secs_f64();
        self.killed(1)?;
        let cluster_rules = self.rights_are_exact()?;
        self.helm(&["test", RELEASE])?;

        let named = self.values("named", "namespaces", 2)?;
        self.helm(&["upgrade", RELEASE, &path(), "--values", &named, WAIT])?;
        self.killed(2)?;
        let named_rules = self.rights_are_exact()?;
        self.helm(&["test", RELEASE])?;

        self.helm(&["rollback", RELEASE, "1", WAIT])?;
        self.rights_are_exact()?;
        self.helm(&["test", RELEASE])?;
        self.nothing_was_forbidden()?;

        self.helm(&["uninstall", RELEASE, "--wait"])?;
        world.rolled_out("web")?;
        let pods = world.pods("web")?;
        self.helm(&["install", RELEASE, &path(), "--values", &named, WAIT])?;
        wait_for(30, "the budget is spent as before", || {
            let log = self.log()?;
            Ok(log.contains("2 kills in all within the hour").then_some(()))
        })?;
        sleep(Duration::from_secs(3));
        ensure!(world.pods("web")? == pods, "installed anew it kills again");
        self.nothing_was_forbidden()?;

        let command = self.printed_command()?;
        self.helm(&["uninstall", RELEASE, "--wait"])?;
        let command: Vec<&str> = command.split_whitespace().skip(1).collect();
        world.cluster.kubectl(&command)?;
        wait_for(30, "everything is gone", || {
            let left = self.everything()?;
            Ok((left == before).then_some(()))
        })
        .with_context(|| format!("left are {:?}", self.everything().unwrap_or_default()))?;
        Ok(format!(
            "ready after {ready:.0} s; an eviction with the {cluster_rules} rights of a ClusterRole, \
             a deletion with the {named_rules} of a Role; none after it was installed anew; nothing is left"
        ))
    }

    /// Lints, and renders with everything that is optional.
    fn is_well_formed(&self) -> anyhow::Result<()> {
        output(self.command().args(["lint", "--strict"]).arg(path()))?;
        let all = [
            "networkPolicy.enabled",
            "serviceMonitor.enabled",
            "podMonitor.enabled",
            "dashboard.enabled",
        ];
        let all = all.map(|it| format!("{it}=true")).join(",");
        let rendered = self.template(&["--set", &all, "--set", "webhooks.secret=urls"])?;
        for kind in [
            "NetworkPolicy",
            "ServiceMonitor",
            "PodMonitor",
            "PodDisruptionBudget",
            "CustomResourceDefinition",
        ] {
            let line = format!("\nkind: {kind}\n");
            ensure!(rendered.contains(&line), "there is no {kind}");
        }
        ensure!(
            rendered.contains("grafana_dashboard"),
            "there is no dashboard"
        );
        Ok(())
    }

    /// Each misspelt word is refused, and named.
    fn refuses_what_is_misspelt(&self) -> anyhow::Result<()> {
        for (set, word) in [
            ("replica=3", "replica"),
            ("podDisruptionBudget.enable=true", "enable"),
            ("rbac.scope=namespace", "scope"),
            ("agent.spec.dryrun=false", "dryrun"),
            ("agent.spec.schedule.weekdays={mondya}", "weekdays"),
            ("agent.spec.amount.percent=140", "140"),
            ("rbac.scope=namespaces", "agent.spec.namespaces.only"),
        ] {
            refused_by_name(self.template(&["--set", set]), set, word)?;
        }
        Ok(())
    }

    fn template(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let version = self.world.cluster.version()?;
        let mut command = self.command();
        command.args(["template", RELEASE]).arg(path());
        command
            .args(["--kube-version", &version])
            .args(["--namespace", &self.world.home]);
        output(command.args(arguments))
    }

    /// Values by which every second a pod of the scenario may be killed, so many within an hour:
    /// evicted from anywhere, or deleted from one namespace, each with other rights.
    fn values(&self, name: &str, scope: &str, per_hour: u32) -> anyhow::Result<String> {
        let namespace = &self.world.namespace;
        let budget = json!({"perHour": per_hour});
        // A level of its own starts the pods anew, so that nobody waits for a node to notice.
        let (level, change) = if scope == "cluster" {
            let label = format!("kubernetes.io/metadata.name={namespace}");
            let change = json!({
                "namespaces": {"only": [], "labels": label},
                "guards": {"budget": budget},
                "gameDays": "also",
            });
            ("info", change)
        } else {
            let change = json!({
                "namespaces": {"only": [namespace]},
                "guards": {"budget": budget},
                "method": {"delete": "1s"},
                "recovery": {"halt": true},
            });
            ("debug", change)
        };
        let values = json!({
            "agent": {"logLevel": level, "spec": self.world.spec(&change)},
            "rbac": {"scope": scope},
            "resources": {"requests": {"cpu": "1m"}},
        });
        let file = self.world.folder().join(format!("{name}.json"));
        std::fs::write(&file, values.to_string())?;
        Ok(file.display().to_string())
    }

    /// Waits for so many kills, and sees that there are no more.
    fn killed(&self, count: usize) -> anyhow::Result<()> {
        wait_for(60, &format!("{count} kills"), || {
            Ok((self.world.kills_that("killed")?.len() >= count).then_some(()))
        })?;
        sleep(Duration::from_secs(2));
        let kills = self.world.kills()?.len();
        ensure!(kills == count, "{kills} kills, and the budget is {count}");
        Ok(())
    }

    /// What `chaos-monkey check` asks for is allowed, and nothing else is. Says how many rights
    /// there are where it kills.
    fn rights_are_exact(&self) -> anyhow::Result<usize> {
        let (deployment, home) = (format!("deployment/{NAME}"), &self.world.home);
        let check = ["chaos-monkey", "check", SETTINGS, "--agent-namespace", home];
        let exec = ["exec", "--namespace", home, &deployment, "--"];
        let checked = self.world.cluster.kubectl(&[exec, check].concat())?;
        ensure!(!checked.contains('✗'), "{checked}");
        let account = format!("system:serviceaccount:{home}:{NAME}");
        // What everybody may is nobody's right.
        let nobody = format!("system:serviceaccount:{home}:default");
        for namespace in [home, &self.world.namespace] {
            let needed: BTreeSet<String> = needed(&checked, namespace);
            let common = self.rights(&nobody, namespace)?;
            let rights: BTreeSet<String> = self.rights(&account, namespace)?;
            let rights: BTreeSet<String> = rights.difference(&common).cloned().collect();
            ensure!(
                rights == needed,
                "in {namespace} it may and need not: {:?}; it needs and may not: {:?}",
                rights.difference(&needed),
                needed.difference(&rights),
            );
        }
        Ok(needed(&checked, &self.world.namespace).len())
    }

    /// What `kubectl auth can-i --list` would show, in the words of `check`.
    fn rights(&self, account: &str, namespace: &str) -> anyhow::Result<BTreeSet<String>> {
        let question = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        });
        let file = self.world.folder().join("rules.json");
        std::fs::write(&file, question.to_string())?;
        let file = file.display().to_string();
        let create = ["create", "--validate=false", "--as", account];
        let review = [&create[..], &["--filename", &file]].concat();
        let review = self.world.cluster.json(&review)?;
        ensure!(
            review["status"]["incomplete"] == false,
            "the rules are incomplete: {review}"
        );
        let rules = review["status"]["resourceRules"].as_array();
        Ok(rules.into_iter().flatten().flat_map(of_rule).collect())
    }

    /// A log without a no from the API server.
    fn nothing_was_forbidden(&self) -> anyhow::Result<()> {
        let log = self.log()?;
        let forbidden = log.lines().find(|line| line.contains("is forbidden"));
        ensure!(forbidden.is_none(), "{}", forbidden.unwrap_or_default());
        ensure!(log.contains("the settings"), "there is no log: {log}");
        Ok(())
    }

    /// What all copies have said.
    fn log(&self) -> anyhow::Result<String> {
        let selector = format!("app.kubernetes.io/instance={RELEASE}");
        let select = ["logs", "--selector", &selector, "--tail=-1"];
        let place = ["--namespace", &self.world.home];
        self.world.cluster.kubectl(&[&select[..], &place].concat())
    }

    /// The command by which its notes say that records go.
    fn printed_command(&self) -> anyhow::Result<String> {
        let notes = output(
            self.command()
                .args(["get", "notes", RELEASE, "-n", &self.world.home]),
        )?;
        let line = notes
            .lines()
            .find(|it| it.contains("kubectl delete crd"))
            .context("the notes print no `kubectl delete crd`")?;
        Ok(line.trim().to_owned())
    }

    /// All that a chart could leave, by kind and name.
    fn everything(&self) -> anyhow::Result<BTreeSet<String>> {
        let cluster = self.world.cluster;
        let mut objects = self.world.objects_in(&self.world.home)?;
        let roles = ["get", "roles,rolebindings", "--output=name"];
        let roles = self.world.in_namespace(&roles)?;
        let everywhere = "clusterroles,clusterrolebindings,customresourcedefinitions";
        let everywhere = cluster.kubectl(&["get", everywhere, "--output=name"])?;
        let everywhere = everywhere
            .lines()
            .filter(|it| it.contains(&self.world.home) || it.contains("aplomb"));
        objects.extend(roles.lines().chain(everywhere).map(str::to_owned));
        Ok(objects)
    }

    fn delete_definitions(&self) -> anyhow::Result<()> {
        for file in std::fs::read_dir(charts::folder("chaos-monkey").join("files/crds"))? {
            let path = file?.path();
            let name = path.file_stem().context("a file without a name")?;
            let name = name.to_string_lossy();
            let delete = ["delete", "crd", &name, "--ignore-not-found"];
            self.world.cluster.kubectl(&delete)?;
        }
        Ok(())
    }

    fn label_home(&self, label: &str) -> anyhow::Result<()> {
        let label = ["label", "--overwrite", "namespace", &self.world.home, label];
        self.world.cluster.kubectl(&label)?;
        Ok(())
    }

    /// Leaves the cluster as other scenarios want it.
    fn clean(&self) -> anyhow::Result<()> {
        self.helm(&["uninstall", RELEASE, "--ignore-not-found", "--wait"])?;
        self.label_home("pod-security.kubernetes.io/enforce-")?;
        // Those that Helm has brought are its own, and cannot be applied by others.
        self.delete_definitions()?;
        self.world.define()
    }

    fn helm(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let home = ["--namespace", &self.world.home];
        output(self.command().args(arguments).args(home))
    }

    fn command(&self) -> std::process::Command {
        self.world.cluster.command(self.helm)
    }
}

/// Holds that rendering with `--set` was refused, and that the word in question was named.
pub(super) fn refused_by_name(
    rendered: anyhow::Result<String>,
    set: &str,
    word: &str,
) -> anyhow::Result<()> {
    let Err(refused) = rendered else {
        anyhow::bail!("`--set {set}` is not refused");
    };
    let refused = refused.to_string();
    ensure!(refused.contains(word), "`--set {set}`: {refused}");
    Ok(())
}

/// Until everything is ready.
const WAIT: &str = "--wait";

fn path() -> String {
    charts::folder("chaos-monkey").display().to_string()
}

/// What the lines of `check` ask for in a namespace: `create pods/eviction`, say.
fn needed(checked: &str, namespace: &str) -> BTreeSet<String> {
    let here = format!(" in `{namespace}`");
    let asked = checked.lines().filter_map(|line| {
        let asked = line.strip_prefix("✓ may ")?;
        asked
            .strip_suffix(" everywhere")
            .or_else(|| asked.strip_suffix(&here))
    });
    asked.map(str::to_owned).collect()
}

/// The rights of one rule, each for itself.
fn of_rule(rule: &Value) -> Vec<String> {
    let words = |key: &str| -> Vec<String> {
        let words = rule[key].as_array().into_iter().flatten();
        words
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect()
    };
    let names: Vec<String> = match words("resourceNames").as_slice() {
        [] => vec![String::new()],
        names => names.iter().map(|it| format!(" `{it}`")).collect(),
    };
    let mut rights = Vec::new();
    for group in words("apiGroups") {
        let group = if group.is_empty() {
            group
        } else {
            format!(".{group}")
        };
        for resource in words("resources") {
            for verb in words("verbs") {
                let all = names.iter();
                rights.extend(all.map(|name| format!("{verb} {resource}{group}{name}")));
            }
        }
    }
    rights
}
