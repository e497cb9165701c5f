//! Reads a cluster from what `kubectl get --output json` prints.
//!
//! `kubectl get namespaces,pods,replicasets,deployments,statefulsets,daemonsets,replicationcontrollers
//! --all-namespaces --output json` prints one `List` of all of them.

use std::path::Path;

use serde::Deserialize;

use super::cluster::Cluster;
use super::object::{Assembly, Object};

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

/// Reads a snapshot.
///
/// # Errors
///
/// A text that is not what `kubectl` prints, or one without namespaces.
pub fn read(text: &str) -> Result<Cluster, NoSnapshot> {
    let list: List = serde_json::from_str(text)?;
    let mut assembly = Assembly::default();
    for mut object in list.items {
        let kind = std::mem::take(&mut object.kind);
        if kind == "Pod" && object.metadata.creation_timestamp.is_none() {
            return Err(NoSnapshot::Incomplete {
                kind,
                name: object.metadata.name,
                what: "creationTimestamp",
            });
        }
        assembly.add(&kind, object);
    }
    let cluster = assembly.finish();
    if cluster.namespaces.is_empty() {
        return Err(NoSnapshot::NoNamespaces);
    }
    Ok(cluster)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::agent::cluster::{Owner, OwnerName};
    use crate::schema::OwnerKind;

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
