//! Finds a pod by its name, with everything that stands behind it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod as PodResource;
use kube::Resource as _;
use kube::api::GetParams;
use kube::core::Request;

use super::connection::{ClusterError, Connection, ask};
use super::fresh;
use super::owner::{self, ReadOwner};
use crate::agent::NameHash;
use crate::agent::cluster::{Described, Owner, OwnerName, Pod};
use crate::agent::filter::Candidate;
use crate::agent::object::Object;
use crate::schema::OwnerKind;

/// A pod that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// It, with its topmost controller.
    pub pod: Pod,
    owner: Option<Described>,
    namespace: Option<Described>,
}

/// A pod that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// The cluster refuses.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// There is no such pod.
    #[error("there is no pod `{0}`")]
    NoPod(String),
}

impl Found {
    /// Its namespace and name.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.pod.namespace, self.pod.name)
    }

    /// The controller that brings it back.
    ///
    /// # Errors
    ///
    /// Nobody brings it back, or nobody knows whether somebody does.
    pub fn owner(&self) -> Result<&OwnerName, String> {
        let what = match &self.pod.owner {
            Owner::Known(owner) => return Ok(owner),
            Owner::Unknown(what) => format!("the controller {what}, of an unknown kind"),
            Owner::Nobody => "no controller".to_owned(),
        };
        Err(format!("`{}` has {what}: it is never killed", self.shown()))
    }

    /// What the filters are asked about.
    pub fn candidate(&self) -> Candidate<'_> {
        Candidate {
            pod: &self.pod,
            owner: self.owner.as_ref(),
            namespace: self.namespace.as_ref(),
            now: Timestamp::now(),
        }
    }
}

/// The pod of a name: `namespace/name`, or a name in the namespace of the context.
///
/// # Errors
///
/// There is none, or the cluster refuses or is too slow.
pub async fn pod(connection: &Connection, name: &str) -> Result<Found, NotFound> {
    let default = (connection.namespace.as_str(), name);
    let (namespace, name) = name.split_once('/').unwrap_or(default);
    let shown = format!("{namespace}/{name}");
    let client = &connection.client;
    let request = Request::new(PodResource::url_path(&(), Some(namespace)));
    let request = request.get(name, &GetParams::default());
    let request = request.map_err(kube::Error::BuildRequest);
    let pod = ask(format!("get pod {shown}"), async {
        client.request::<Object>(request?).await
    });
    let pod = match pod.await {
        Err(error) if error.code() == 404 => return Err(NotFound::NoPod(shown)),
        pod => pod?,
    };
    let (owner, described) = topmost(connection, pod.metadata.owner()).await?;
    Ok(Found {
        pod: pod.into_pod(owner),
        owner: described,
        namespace: fresh::namespace(client, namespace).await?,
    })
}

/// The controller that nobody stands behind, as the agent's census finds it, too.
async fn topmost(
    connection: &Connection,
    direct: Owner,
) -> Result<(Owner, Option<Described>), ClusterError> {
    /// More than Kubernetes has, so that a circle ends.
    const DEEPEST: usize = 4;
    let mut next = direct;
    for _ in 0..DEEPEST {
        let Owner::Known(name) = &next else {
            return Ok((next, None));
        };
        let Some(read) = owner::read(&connection.client, name).await? else {
            let what = format!("{} `{}`, which is not there", name.kind.as_str(), name.name);
            return Ok((Owner::Unknown(what), None));
        };
        let ReadOwner {
            behind, described, ..
        } = read;
        let Some((kind, behind)) = behind else {
            return Ok((next, Some(described)));
        };
        next = match OwnerKind::named(&kind) {
            Some(kind) => Owner::Known(OwnerName {
                namespace: name.namespace.clone(),
                kind,
                name: behind,
            }),
            None => Owner::Unknown(format!("{kind} `{behind}`")),
        };
    }
    Ok((Owner::Unknown("a circle of controllers".to_owned()), None))
}

/// The name of a kill by hand: each is an occasion of its own.
pub fn occasion_by_hand(owner: &OwnerName) -> String {
    let now = Timestamp::now();
    let owner = NameHash::of_owner(owner);
    format!("by-hand-{}-{owner}", now.strftime("%Y%m%d-%H%M%S-%3f"))
}

/// The name of what a game day of an agent does to an owner: each is an occasion of its own.
pub fn occasion_of_game_day(agent: &str, owner: &OwnerName) -> String {
    let now = Timestamp::now();
    let owner = NameHash::of_owner(owner);
    format!(
        "{agent}-game-day-{}-{owner}",
        now.strftime("%Y%m%d-%H%M%S-%3f")
    )
}

#[cfg(test)]
mod tests;
