//! Everything in a cluster at one moment, for plans and explanations.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Pod, ReplicationController};
use kube::{Client, Resource};

use super::connection::ClusterError;
use super::fresh;
use super::list::Listing;
use crate::agent::Rules;
use crate::agent::cluster::Cluster;
use crate::agent::object::Assembly;

/// Reads namespaces, controllers and pods: all of them, or those of the namespaces that the rules
/// name, for which a Role in each of them is enough.
///
/// # Errors
///
/// A list that the cluster refuses or does not give in time.
pub async fn read(client: &Client, rules: &Rules) -> Result<Cluster, ClusterError> {
    let mut assembly = Assembly::default();
    let mut named = rules.named_namespaces().peekable();
    if named.peek().is_none() {
        let path = Namespace::url_path(&(), None);
        for object in Listing::metadata_of(path).all(client).await? {
            assembly.add("Namespace", object);
        }
        read_place(client, None, &mut assembly).await?;
    }
    for name in named {
        if let Some(namespace) = fresh::namespace(client, name).await? {
            assembly.add_namespace(name.clone(), namespace);
        }
        read_place(client, Some(name), &mut assembly).await?;
    }
    Ok(assembly.finish())
}

async fn read_place(
    client: &Client,
    namespace: Option<&str>,
    assembly: &mut Assembly,
) -> Result<(), ClusterError> {
    for (kind, path) in [
        ("Deployment", Deployment::url_path(&(), namespace)),
        ("StatefulSet", StatefulSet::url_path(&(), namespace)),
        ("DaemonSet", DaemonSet::url_path(&(), namespace)),
        ("ReplicaSet", ReplicaSet::url_path(&(), namespace)),
        (
            "ReplicationController",
            ReplicationController::url_path(&(), namespace),
        ),
    ] {
        for object in Listing::metadata_of(path).all(client).await? {
            assembly.add(kind, object);
        }
    }
    let pods = Listing {
        path: Pod::url_path(&(), namespace),
        labels: None,
        only_metadata: false,
    };
    for object in pods.all(client).await? {
        assembly.add("Pod", object);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
