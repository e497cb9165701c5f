//! Everything in a cluster at one moment, for plans and explanations.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Pod, ReplicationController};
use kube::{Client, Resource};

use super::connection::ClusterError;
use super::list::Listing;
use crate::agent::cluster::Cluster;
use crate::agent::object::Assembly;

/// Reads all namespaces, controllers and pods.
///
/// # Errors
///
/// A list that the cluster refuses or does not give in time.
pub async fn read(client: &Client) -> Result<Cluster, ClusterError> {
    let mut assembly = Assembly::default();
    for (kind, path) in [
        ("Namespace", Namespace::url_path(&(), None)),
        ("Deployment", Deployment::url_path(&(), None)),
        ("StatefulSet", StatefulSet::url_path(&(), None)),
        ("DaemonSet", DaemonSet::url_path(&(), None)),
        ("ReplicaSet", ReplicaSet::url_path(&(), None)),
        (
            "ReplicationController",
            ReplicationController::url_path(&(), None),
        ),
    ] {
        for object in Listing::metadata_of(path).all(client).await? {
            assembly.add(kind, object);
        }
    }
    let pods = Listing {
        path: Pod::url_path(&(), None),
        labels: None,
        only_metadata: false,
    };
    for object in pods.all(client).await? {
        assembly.add("Pod", object);
    }
    Ok(assembly.finish())
}
