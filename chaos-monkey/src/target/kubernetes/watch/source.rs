//! What is watched: everything in the cluster, or everything in the namespaces that the settings
//! name. The latter needs no more than a Role in each of them.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Pod, ReplicationController};
use kube::{Api, Client, Resource};

use crate::agent::Rules;
use crate::agent::object::ObjectMetadata;
use crate::schema::OwnerKind;
use crate::target::kubernetes::connection::{ClusterError, ask};

/// One list that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Of what.
    pub(super) listed: Listed,
    /// In which namespace; in all of them without.
    pub(super) namespace: Option<String>,
}

/// What is in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed {
    /// All namespaces.
    Namespaces,
    /// One namespace, which is read and not watched.
    Namespace(String),
    /// The controllers of a kind.
    Owners(OwnerKind),
    /// The pods that run.
    Pods,
}

/// What is watched by some settings.
pub(super) fn all(rules: &Rules) -> Vec<Source> {
    let named: Vec<&String> = rules.named_namespaces().collect();
    let in_one = |namespace: Option<&String>| {
        let owners = OwnerKind::ALL.into_iter().map(Listed::Owners);
        let listed = owners.chain([Listed::Pods]);
        listed
            .map(|listed| Source {
                listed,
                namespace: namespace.cloned(),
            })
            .collect::<Vec<_>>()
    };
    let alone = |listed| Source {
        listed,
        namespace: None,
    };
    if named.is_empty() {
        let mut all = vec![alone(Listed::Namespaces)];
        all.extend(in_one(None));
        return all;
    }
    let of_one = |name: &String| {
        let mut all = vec![alone(Listed::Namespace(name.clone()))];
        all.extend(in_one(Some(name)));
        all
    };
    named.into_iter().flat_map(of_one).collect()
}

impl Source {
    /// Its address.
    pub(super) fn path(&self) -> String {
        let namespace = self.namespace.as_deref();
        match &self.listed {
            Listed::Namespaces => Namespace::url_path(&(), None),
            Listed::Namespace(name) => format!("{}/{name}", Namespace::url_path(&(), None)),
            Listed::Owners(kind) => match kind {
                OwnerKind::Deployment => Deployment::url_path(&(), namespace),
                OwnerKind::StatefulSet => StatefulSet::url_path(&(), namespace),
                OwnerKind::DaemonSet => DaemonSet::url_path(&(), namespace),
                OwnerKind::ReplicaSet => ReplicaSet::url_path(&(), namespace),
                OwnerKind::ReplicationController => ReplicationController::url_path(&(), namespace),
            },
            Listed::Pods => Pod::url_path(&(), namespace),
        }
    }

    /// Which of the objects there, if not all.
    pub(super) fn fields(&self) -> Option<String> {
        (self.listed == Listed::Pods).then(|| "status.phase=Running".to_owned())
    }
}

/// The metadata of one namespace, if it is there.
pub(super) async fn read_namespace(
    client: &Client,
    name: &str,
) -> Result<Option<ObjectMetadata>, ClusterError> {
    let api: Api<Namespace> = Api::all(client.clone());
    let namespace = ask(format!("get namespace {name}"), api.get_opt(name)).await?;
    Ok(namespace.map(|namespace| {
        let metadata = namespace.metadata;
        ObjectMetadata {
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            namespace: String::new(),
            labels: metadata.labels.unwrap_or_default(),
            annotations: metadata.annotations.unwrap_or_default(),
            creation_timestamp: metadata.creation_timestamp.map(|time| time.0),
            deletion_timestamp: metadata.deletion_timestamp.map(|time| time.0),
            owner_references: Vec::new(),
        }
    }))
}
