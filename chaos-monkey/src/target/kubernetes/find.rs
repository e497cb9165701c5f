//! Finds a pod by its name, with the owner that stands behind it.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod as PodResource;
use kube::{Api, ResourceExt as _};

use super::connection::{ClusterError, Connection, ask};
use crate::agent::NameHash;
use crate::agent::cluster::OwnerName;
use crate::schema::OwnerKind;

/// A pod that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its name.
    pub pod: String,
    /// Its unique identity.
    pub uid: String,
    /// Its topmost controller.
    pub owner: OwnerName,
}

/// A pod that is not there, or that nobody brings back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// The cluster refuses, or has no such pod.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// There is no such pod.
    #[error("there is no pod `{0}`")]
    NoPod(String),
    /// Nobody brings it back, or nobody knows whether somebody does.
    #[error("`{pod}` has {owner}: it is never killed")]
    NoOwner {
        /// The pod.
        pod: String,
        /// What stands behind it.
        owner: String,
    },
}

impl Found {
    /// Its namespace and name.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.owner.namespace, self.pod)
    }
}

/// The pod of a name: `namespace/name`, or a name in the namespace of the context.
///
/// # Errors
///
/// There is none, or it has no controller that brings it back.
pub async fn pod(connection: &Connection, name: &str) -> Result<Found, NotFound> {
    let default = (connection.namespace.as_str(), name);
    let (namespace, name) = name.split_once('/').unwrap_or(default);
    let shown = format!("{namespace}/{name}");
    let api: Api<PodResource> = Api::namespaced(connection.client.clone(), namespace);
    let pod = ask(format!("get pod {shown}"), api.get_opt(name)).await?;
    let pod = pod.ok_or_else(|| NotFound::NoPod(shown.clone()))?;
    let no_owner = |owner: String| NotFound::NoOwner {
        pod: shown.clone(),
        owner,
    };
    let mut kind_and_name = controller(&pod);
    if let Some((kind, set)) = &kind_and_name
        && kind == OwnerKind::ReplicaSet.as_str()
    {
        let api: Api<ReplicaSet> = Api::namespaced(connection.client.clone(), namespace);
        let set = ask(
            format!("get replicaset {namespace}/{set}"),
            api.get_opt(set),
        )
        .await?;
        if let Some(behind) = set.as_ref().and_then(controller) {
            kind_and_name = Some(behind);
        }
    }
    let Some((kind, owner)) = kind_and_name else {
        return Err(no_owner("no controller".to_owned()));
    };
    let Some(kind) = OwnerKind::named(&kind) else {
        return Err(no_owner(format!(
            "the controller {kind} `{owner}`, of an unknown kind"
        )));
    };
    Ok(Found {
        pod: name.to_owned(),
        uid: pod.uid().unwrap_or_default(),
        owner: OwnerName {
            namespace: namespace.to_owned(),
            kind,
            name: owner,
        },
    })
}

/// The kind and name of the controller of an object.
fn controller(object: &impl kube::Resource) -> Option<(String, String)> {
    let mut references = object.meta().owner_references.iter().flatten();
    let reference = references.find(|it| it.controller == Some(true))?;
    Some((reference.kind.clone(), reference.name.clone()))
}

/// What the name of each kill by hand begins with.
pub const BY_HAND: &str = "by-hand-";

/// The name of a kill by hand: each is an occasion of its own.
pub fn occasion_by_hand(owner: &OwnerName) -> String {
    let now = Timestamp::now();
    let owner = NameHash::of_owner(owner);
    format!("{BY_HAND}{}-{owner}", now.strftime("%Y%m%d-%H%M%S-%3f"))
}
