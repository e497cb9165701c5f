//! What is read of the objects of a cluster: their names, what people say about them, and whose
//! they are. The rest is skipped while it is read, which is most of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::cluster::{Cluster, Described, Owner, OwnerName, Pod, Texts};
use crate::schema::OwnerKind;

/// An object of a cluster.
#[derive(Debug, Deserialize)]
pub struct Object {
    /// Its kind; a list of one kind leaves it out.
    #[serde(default)]
    pub kind: String,
    /// What every object has.
    pub metadata: ObjectMetadata,
    /// How it is.
    #[serde(default)]
    pub status: ObjectStatus,
}

/// What every object has.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMetadata {
    /// Its name.
    pub name: String,
    /// Its unique identity.
    #[serde(default)]
    pub uid: String,
    /// The version in which it was read.
    #[serde(default)]
    pub resource_version: String,
    /// Its namespace; empty where it has none.
    #[serde(default)]
    pub namespace: String,
    /// Its labels.
    #[serde(default)]
    pub labels: Texts,
    /// Its annotations.
    #[serde(default)]
    pub annotations: Texts,
    /// When it was made.
    pub creation_timestamp: Option<Timestamp>,
    /// When it is to end, if it is.
    pub deletion_timestamp: Option<Timestamp>,
    /// Whose it is.
    #[serde(default)]
    pub owner_references: Vec<Reference>,
}

/// Whose an object is.
#[derive(Debug, Clone, Deserialize)]
pub struct Reference {
    /// The kind of the owner.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its unique identity.
    #[serde(default)]
    pub uid: String,
    /// Whether it is the one that manages the object.
    #[serde(default)]
    pub controller: bool,
}

/// How a pod is.
#[derive(Debug, Deserialize, Default)]
pub struct ObjectStatus {
    #[serde(default)]
    phase: String,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Debug, Deserialize)]
struct Condition {
    r#type: String,
    status: String,
}

impl ObjectMetadata {
    /// The controller that it names.
    pub fn controller(&self) -> Option<&Reference> {
        self.owner_references.iter().find(|it| it.controller)
    }

    /// Whom it names as its controller.
    pub fn owner(&self) -> Owner {
        let Some(Reference { kind, name, .. }) = self.controller() else {
            return Owner::Nobody;
        };
        match OwnerKind::named(kind) {
            Some(kind) => Owner::Known(OwnerName {
                namespace: self.namespace.clone(),
                kind,
                name: name.clone(),
            }),
            None => Owner::Unknown(format!("{kind} `{name}`")),
        }
    }

    /// What people say about it.
    pub fn described(self) -> Described {
        Described {
            labels: self.labels,
            annotations: self.annotations,
        }
    }
}

impl Pod {
    /// A pod of which only the metadata are known.
    pub fn of_metadata(metadata: ObjectMetadata) -> Self {
        let object = Object {
            kind: String::new(),
            metadata,
            status: ObjectStatus::default(),
        };
        object.into_pod(Owner::Nobody)
    }
}

impl Object {
    /// The pod that it is, with the owner that somebody else knows. One that does not say when it
    /// was made is never old enough.
    pub fn into_pod(self, owner: Owner) -> Pod {
        let Self {
            metadata, status, ..
        } = self;
        let is_ready =
            |condition: &Condition| condition.r#type == "Ready" && condition.status == "True";
        Pod {
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
            uid: metadata.uid.clone(),
            version: metadata.resource_version.clone(),
            created: metadata.creation_timestamp.unwrap_or(Timestamp::MAX),
            is_terminating: metadata.deletion_timestamp.is_some(),
            is_ready: status.conditions.iter().any(is_ready),
            phase: status.phase,
            owner,
            described: metadata.described(),
        }
    }
}

/// Puts a cluster together from its objects, in whichever order they come.
#[derive(Debug, Default)]
pub struct Assembly {
    cluster: Cluster,
    /// Behind a controller may stand another one: a Deployment behind a ReplicaSet.
    behind: BTreeMap<OwnerName, Owner>,
    pods: Vec<Pod>,
}

impl Assembly {
    /// Takes in a namespace.
    pub fn add_namespace(&mut self, name: String, described: Described) {
        self.cluster.namespaces.insert(name, described);
    }

    /// Takes in an object of a kind; one of a kind that does not matter is left out.
    pub fn add(&mut self, kind: &str, object: Object) {
        match kind {
            "Namespace" => {
                let name = object.metadata.name.clone();
                self.add_namespace(name, object.metadata.described());
            }
            "Pod" => {
                let owner = object.metadata.owner();
                self.pods.push(object.into_pod(owner));
            }
            kind => {
                let Some(kind) = OwnerKind::named(kind) else {
                    return;
                };
                let name = OwnerName {
                    namespace: object.metadata.namespace.clone(),
                    kind,
                    name: object.metadata.name.clone(),
                };
                self.behind.insert(name.clone(), object.metadata.owner());
                let described = object.metadata.described();
                self.cluster.owners.insert(name, described);
            }
        }
    }

    /// The cluster, each pod with its topmost controller.
    pub fn finish(self) -> Cluster {
        let Self {
            mut cluster,
            behind,
            mut pods,
        } = self;
        for pod in &mut pods {
            let direct = std::mem::replace(&mut pod.owner, Owner::Nobody);
            pod.owner = topmost(direct, &behind);
        }
        pods.sort_by(|one, other| {
            (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name))
        });
        cluster.pods = pods;
        cluster
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
