//! What is in a cluster at one moment, as far as it matters here.

use std::collections::BTreeMap;

pub use crate::schema::OwnerName;
use jiff::Timestamp;

/// Labels or annotations.
pub type Texts = BTreeMap<String, String>;

/// What is in a cluster at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// The namespaces, by name.
    pub namespaces: BTreeMap<String, Described>,
    /// The controllers that stand behind pods, by name.
    pub owners: BTreeMap<OwnerName, Described>,
    /// The pods, by namespace and name.
    pub pods: Vec<Pod>,
}

/// What people say about an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Described {
    /// Its labels.
    pub labels: Texts,
    /// Its annotations.
    pub annotations: Texts,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its unique identity.
    pub uid: String,
    /// The version in which it was read.
    pub version: String,
    /// What people say about it.
    pub described: Described,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it is about to end.
    pub is_terminating: bool,
    /// `Running`, `Pending`, …
    pub phase: String,
    /// Whether it is ready to serve.
    pub is_ready: bool,
    /// What will bring it back.
    pub owner: Owner,
}

/// What stands behind a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A controller of a kind that brings its pods back.
    Known(OwnerName),
    /// A controller of another kind, with its kind and name, or one that is not in the snapshot.
    Unknown(String),
    /// Nobody: the pod stands alone.
    Nobody,
}

impl Cluster {
    /// A pod by `namespace/name`, or by its name where only one namespace has it.
    pub fn pod(&self, name: &str) -> Result<&Pod, NoSuchPod> {
        let is_meant = |pod: &&Pod| match name.split_once('/') {
            Some((namespace, name)) => pod.namespace == namespace && pod.name == name,
            None => pod.name == name,
        };
        let found: Vec<&Pod> = self.pods.iter().filter(is_meant).collect();
        match found.as_slice() {
            [] => Err(NoSuchPod::Nowhere(name.to_owned())),
            [pod] => Ok(pod),
            several => Err(NoSuchPod::InSeveral {
                name: name.to_owned(),
                namespaces: several
                    .iter()
                    .map(|pod| pod.namespace.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }
}

/// A pod that is not known by this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchPod {
    /// None has it.
    #[error("there is no pod `{0}`")]
    Nowhere(String),
    /// Several have it.
    #[error("there is a pod `{name}` in several namespaces ({namespaces}): write NAMESPACE/POD")]
    InSeveral {
        /// The name.
        name: String,
        /// Where.
        namespaces: String,
    },
}
