//! Reads a cluster from what `kubectl get --output json` prints.
//!
//! `kubectl get namespaces,pods,replicasets,deployments,statefulsets,daemonsets,replicationcontrollers
//! --all-namespaces --output json` prints one `List` of all of them.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use super::cluster::{Cluster, Described, Owner, OwnerName, Pod, Texts};
use crate::schema::OwnerKind;

/// What `kubectl` has to be asked for.
pub const KUBECTL: &str = "kubectl get namespaces,pods,replicasets,deployments,statefulsets,\
                           daemonsets,replicationcontrollers --all-namespaces --output json";

/// A text that is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum NoSnapshot {
    /// It is not what `kubectl` prints.
    #[error("it is no list of objects ({0}): print it with `{KUBECTL}`")]
    NoList(#[from] serde_json::Error),
    /// Something is missing in it.
    #[error("there are no namespaces in it: print it with `{KUBECTL}`")]
    NoNamespaces,
    /// An object has not what it must have.
    #[error("{kind} `{name}` has no {what}: print the snapshot with `{KUBECTL}`")]
    Incomplete {
        /// The kind of the object.
        kind: String,
        /// Its name.
        name: String,
        /// What it has not.
        what: &'static str,
    },
}

#[derive(Deserialize)]
struct List {
    items: Vec<Object>,
}

/// A snapshot that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read.
    #[error("{file} cannot be read: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// It is no snapshot.
    #[error("{file}: {error}")]
    NoSnapshot {
        /// The file.
        file: String,
        /// Why.
        error: NoSnapshot,
    },
}

/// Reads a snapshot from a file.
///
/// # Errors
///
/// A file that cannot be read or is no snapshot.
pub fn open(path: &Path) -> Result<Cluster, SnapshotError> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => read(&text).map_err(|error| SnapshotError::NoSnapshot { file, error }),
        Err(error) => Err(SnapshotError::Unreadable { file, error }),
    }
}

/// What is read of an object; the rest is skipped.
#[derive(Deserialize)]
struct Object {
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    labels: Texts,
    #[serde(default)]
    annotations: Texts,
    creation_timestamp: Option<Timestamp>,
    deletion_timestamp: Option<Timestamp>,
    #[serde(default)]
    owner_references: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    kind: String,
    name: String,
    #[serde(default)]
    controller: bool,
}

#[derive(Deserialize, Default)]
struct Status {
    #[serde(default)]
    phase: String,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    r#type: String,
    status: String,
}

impl Metadata {
    fn controller(&self) -> Option<&Reference> {
        self.owner_references.iter().find(|it| it.controller)
    }

    fn described(self) -> Described {
        Described {
            labels: self.labels,
            annotations: self.annotations,
        }
    }
}

/// Reads a snapshot.
///
/// # Errors
///
/// A text that is not what `kubectl` prints, or one without namespaces.
pub fn read(text: &str) -> Result<Cluster, NoSnapshot> {
    let list: List = serde_json::from_str(text)?;
    let mut cluster = Cluster::default();
    // Behind a controller may stand another one: a Deployment behind a ReplicaSet.
    let mut behind: BTreeMap<OwnerName, Owner> = BTreeMap::new();
    let mut pods = Vec::new();
    for object in list.items {
        match object.kind.as_str() {
            "Namespace" => {
                let name = object.metadata.name.clone();
                cluster.namespaces.insert(name, object.metadata.described());
            }
            "Pod" => pods.push(object),
            kind => {
                let Some(kind) = OwnerKind::named(kind) else {
                    continue;
                };
                let name = OwnerName {
                    namespace: object.metadata.namespace.clone(),
                    kind,
                    name: object.metadata.name.clone(),
                };
                behind.insert(name.clone(), owner(&object.metadata));
                cluster.owners.insert(name, object.metadata.described());
            }
        }
    }
    if cluster.namespaces.is_empty() {
        return Err(NoSnapshot::NoNamespaces);
    }
    for object in pods {
        cluster.pods.push(pod(object, &behind)?);
    }
    cluster
        .pods
        .sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    Ok(cluster)
}

fn pod(object: Object, behind: &BTreeMap<OwnerName, Owner>) -> Result<Pod, NoSnapshot> {
    let Object {
        kind,
        metadata,
        status,
    } = object;
    let Some(created) = metadata.creation_timestamp else {
        return Err(NoSnapshot::Incomplete {
            kind,
            name: metadata.name,
            what: "creationTimestamp",
        });
    };
    let is_ready =
        |condition: &Condition| condition.r#type == "Ready" && condition.status == "True";
    Ok(Pod {
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone(),
        created,
        is_terminating: metadata.deletion_timestamp.is_some(),
        is_ready: status.conditions.iter().any(is_ready),
        phase: status.phase,
        owner: topmost(owner(&metadata), behind),
        described: metadata.described(),
    })
}

fn owner(metadata: &Metadata) -> Owner {
    let Some(Reference { kind, name, .. }) = metadata.controller() else {
        return Owner::Nobody;
    };
    match OwnerKind::named(kind) {
        Some(kind) => Owner::Known(OwnerName {
            namespace: metadata.namespace.clone(),
            kind,
            name: name.clone(),
        }),
        None => Owner::Unknown(format!("{kind} `{name}`")),
    }
}

/// The controller that nobody stands behind.
fn topmost(direct: Owner, behind: &BTreeMap<OwnerName, Owner>) -> Owner {
    /// More than Kubernetes has, so that a circle ends.
    const DEEPEST: usize = 4;
    let mut owner = direct;
    for _ in 0..DEEPEST {
        let Owner::Known(name) = &owner else {
            return owner;
        };
        owner = match behind.get(name) {
            Some(Owner::Nobody) => return owner,
            Some(next) => next.clone(),
            None => {
                let kind = name.kind.as_str();
                return Owner::Unknown(format!("{kind} `{}`, which is not known", name.name));
            }
        };
    }
    Owner::Unknown("a circle of controllers".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(kind: &str, name: &str, owner: Option<(&str, &str)>) -> Value {
        let references = owner.map_or_else(
            || json!([]),
            |(kind, name)| json!([{"apiVersion": "v1", "kind": kind, "name": name, "uid": "u", "controller": true}]),
        );
        json!({"apiVersion": "v1", "kind": kind, "metadata": {
            "name": name, "namespace": "shop", "uid": "1",
            "creationTimestamp": "2026-03-23T08:00:00Z", "ownerReferences": references,
        }, "spec": {}, "status": {}})
    }

    fn owner_of_pod(objects: &[Value]) -> Owner {
        let mut items = vec![json!({"kind": "Namespace", "metadata": {"name": "shop"}})];
        items.extend_from_slice(objects);
        let text = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
        read(&text).unwrap().pods[0].owner.clone()
    }

    #[test]
    fn the_topmost_controller_owns_a_pod() {
        let known = |kind, name: &str| {
            Owner::Known(OwnerName {
                namespace: "shop".to_owned(),
                kind,
                name: name.to_owned(),
            })
        };
        let of_set = || object("Pod", "web-1-x", Some(("ReplicaSet", "web-1")));
        let set = |owner| object("ReplicaSet", "web-1", owner);
        let deployment = object("Deployment", "web", None);
        assert_eq!(
            owner_of_pod(&[of_set(), set(Some(("Deployment", "web"))), deployment]),
            known(OwnerKind::Deployment, "web")
        );
        assert_eq!(
            owner_of_pod(&[of_set(), set(None)]),
            known(OwnerKind::ReplicaSet, "web-1")
        );
        assert_eq!(
            owner_of_pod(&[of_set(), set(Some(("Rollout", "web")))]),
            Owner::Unknown("Rollout `web`".to_owned())
        );
        assert_eq!(
            owner_of_pod(&[of_set()]),
            Owner::Unknown("ReplicaSet `web-1`, which is not known".to_owned())
        );
        assert_eq!(
            owner_of_pod(&[of_set(), set(Some(("ReplicaSet", "web-1")))]),
            Owner::Unknown("a circle of controllers".to_owned())
        );
        assert_eq!(
            owner_of_pod(&[object("Pod", "job-x", Some(("Job", "job")))]),
            Owner::Unknown("Job `job`".to_owned())
        );
        assert_eq!(owner_of_pod(&[object("Pod", "bare", None)]), Owner::Nobody);
    }

    #[test]
    fn what_is_no_snapshot_is_refused_with_the_way_to_one() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"items": [{"kind": "Pod"}]}"#,
            r#"{"items": []}"#,
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.contains("kubectl get namespaces,pods"),
                "{text}: {error}"
            );
        }
    }
}
