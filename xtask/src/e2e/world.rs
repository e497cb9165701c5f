//! What a scenario works with: namespaces of its own, Deployments, agents.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::agent::Agent;
use super::cluster::{self, Cluster};
use super::scenario::wait_for;

/// What a scenario works with.
pub(super) struct World<'cluster> {
    pub(super) cluster: &'cluster Cluster,
    /// A namespace of its own.
    pub(super) namespace: String,
    /// The namespace of its agents.
    pub(super) home: String,
    image: String,
    folder: PathBuf,
    logs: RefCell<Vec<PathBuf>>,
}

impl<'cluster> World<'cluster> {
    pub(super) fn new(
        cluster: &'cluster Cluster,
        number: usize,
        image: &str,
    ) -> anyhow::Result<Self> {
        let folder = crate::run::root()
            .join("target/e2e")
            .join(number.to_string());
        // What another run has left.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let process = std::process::id();
        let world = Self {
            cluster,
            namespace: format!("e2e-{process}-{number}"),
            home: format!("chaos-e2e-{process}-{number}"),
            image: image.to_owned(),
            folder,
            logs: RefCell::default(),
        };
        world.apply(
            "namespaces",
            &json!({"apiVersion": "v1", "kind": "List", "items": [
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.home}},
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace}},
            ]}),
        )?;
        world.define()?;
        Ok(world)
    }

    /// Brings the definitions of what agents leave and find into the cluster.
    pub(super) fn define(&self) -> anyhow::Result<()> {
        let definitions = self.cluster.definitions()?;
        self.apply("crd", &definitions)?;
        let kinds = cluster::names(&definitions).join(",");
        wait_for(20, "the definitions are known", || {
            let kinds = ["get", &kinds, "--namespace", &self.home];
            Ok(self.cluster.kubectl(&kinds).ok())
        })?;
        Ok(())
    }

    /// A folder of its own.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes away what agents have left: records, ledger, leases, halts.
    pub(super) fn forget(&self) -> anyhow::Result<()> {
        let kinds = "kills,killledgers,leases,configmaps";
        self.cluster.kubectl(&[
            "delete",
            kinds,
            "--namespace",
            &self.home,
            "--field-selector",
            "metadata.name!=kube-root-ca.crt",
        ])?;
        Ok(())
    }

    pub(super) fn end(&self) -> anyhow::Result<()> {
        let both = [&self.namespace[..], &self.home, "--wait=false"];
        self.cluster
            .kubectl(&[&["delete", "namespace"], &both[..]].concat())?;
        Ok(())
    }

    pub(super) fn tell_logs(&self) {
        for log in self.logs.borrow().iter().rev().take(3) {
            let text = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            println!("  {} (the last lines):", log.display());
            for line in lines.iter().skip(lines.len().saturating_sub(15)) {
                println!("    {line}");
            }
        }
    }

    /// The command, in this cluster.
    pub(super) fn monkey(&self, arguments: &[&str]) -> std::process::Command {
        self.cluster.monkey(arguments)
    }

    pub(super) fn apply(&self, name: &str, object: &Value) -> anyhow::Result<()> {
        let file = self.folder.join(format!("{name}.json"));
        std::fs::write(&file, object.to_string())?;
        self.cluster
            .kubectl(&["apply", "--filename", &file.display().to_string()])?;
        Ok(())
    }

    /// A Deployment whose pods sleep, ready when this returns.
    pub(super) fn deployment(
        &self,
        name: &str,
        replicas: u32,
        is_offered: bool,
    ) -> anyhow::Result<()> {
        let annotations = if is_offered {
            json!({"chaos.aplomb.dev/enabled": "true"})
        } else {
            json!({})
        };
        self.apply(name, &json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": self.namespace, "annotations": annotations},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"terminationGracePeriodSeconds": 1, "containers": [
                        {"name": "sleep", "image": self.image, "imagePullPolicy": "IfNotPresent"},
                    ]},
                },
            },
        }))?;
        self.rolled_out(name)
    }

    pub(super) fn rolled_out(&self, name: &str) -> anyhow::Result<()> {
        let (what, namespace) = (format!("deployment/{name}"), &self.namespace);
        self.in_namespace(&["rollout", "status", &what, "--timeout=60s"])
            .with_context(|| format!("{namespace}/{name} is not ready"))?;
        Ok(())
    }

    /// `kubectl` in the namespace of the scenario.
    pub(super) fn in_namespace(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.cluster
            .kubectl(&[arguments, &["--namespace", &self.namespace]].concat())
    }

    /// The identities of the pods of a Deployment that are not about to end.
    pub(super) fn pods(&self, name: &str) -> anyhow::Result<BTreeSet<String>> {
        let selector = format!("app={name}");
        let namespace = &self.namespace;
        let pods = self.cluster.json(&[
            "get",
            "pods",
            "--namespace",
            namespace,
            "--selector",
            &selector,
        ])?;
        let items = pods["items"].as_array().cloned().unwrap_or_default();
        let lives = |pod: &Value| pod["metadata"]["deletionTimestamp"].is_null();
        let uid = |pod: &Value| {
            pod["metadata"]["uid"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        Ok(items.iter().filter(|pod| lives(pod)).map(uid).collect())
    }

    /// All that is in a namespace, by kind and name.
    pub(super) fn objects_in(&self, namespace: &str) -> anyhow::Result<BTreeSet<String>> {
        let kinds = self.cluster.kubectl(&[
            "api-resources",
            "--namespaced",
            "--verbs=list",
            "--output=name",
        ])?;
        let kinds: Vec<&str> = kinds
            .lines()
            .filter(|it| !it.starts_with("events"))
            .collect();
        let get = ["get", &kinds.join(","), "--output=name"];
        let place = ["--namespace", namespace];
        let objects = self.cluster.kubectl(&[&get[..], &place].concat())?;
        Ok(objects.lines().map(str::to_owned).collect())
    }

    /// The records of kills.
    pub(super) fn kills(&self) -> anyhow::Result<Vec<Value>> {
        let kills = self
            .cluster
            .json(&["get", "kills", "--namespace", &self.home])?;
        Ok(kills["items"].as_array().cloned().unwrap_or_default())
    }

    /// The records with an outcome.
    pub(super) fn kills_that(&self, outcome: &str) -> anyhow::Result<Vec<Value>> {
        let mut kills = self.kills()?;
        kills.retain(|kill| kill["status"]["outcome"] == outcome);
        Ok(kills)
    }

    /// An agent that kills, with settings that nothing but the scenario narrows: any hour, every
    /// second, only in the namespace of the scenario.
    pub(super) fn agent(&self, name: &str, copy: &str, change: &Value) -> anyhow::Result<Agent> {
        let command = self.agent_command(name, copy, change)?;
        self.start(command, name, copy)
    }

    pub(super) fn start(
        &self,
        command: std::process::Command,
        name: &str,
        copy: &str,
    ) -> anyhow::Result<Agent> {
        let log = self.folder.join(format!("{name}-{copy}.log"));
        self.logs.borrow_mut().push(log.clone());
        Agent::start(command, log)
    }

    /// Settings that kill any hour, every second, only in the namespace of the scenario; changed.
    pub(super) fn spec(&self, change: &Value) -> Value {
        let mut spec = json!({
            "dryRun": false,
            "seed": 1,
            "namespaces": {"only": [self.namespace]},
            "schedule": {
                "weekdays": [
                    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
                ],
                "hours": {"from": "00:00", "to": "24:00"},
                "rhythm": {"every": {"interval": "1s"}},
            },
            "guards": {"coolDown": "0s", "openKills": 100},
        });
        merge(&mut spec, change);
        spec
    }

    pub(super) fn agent_command(
        &self,
        name: &str,
        copy: &str,
        change: &Value,
    ) -> anyhow::Result<std::process::Command> {
        let settings = json!({
            "apiVersion": "chaos.aplomb.dev/v1alpha1", "kind": "Agent", "metadata": {"name": name},
            "spec": self.spec(change),
        });
        let file = self.folder.join(format!("{name}-{copy}.yaml"));
        // JSON is YAML.
        std::fs::write(&file, settings.to_string())?;
        let file = file.display().to_string();
        Ok(self.monkey(&[
            "agent",
            &file,
            "--agent-namespace",
            &self.home,
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "debug",
            "--yes",
        ]))
    }
}

/// Puts the values of one document into another.
pub(super) fn merge(into: &mut Value, from: &Value) {
    let (Value::Object(into), Value::Object(from)) = (&mut *into, from) else {
        *into = from.clone();
        return;
    };
    for (key, value) in from {
        merge(into.entry(key.clone()).or_insert(Value::Null), value);
    }
}
