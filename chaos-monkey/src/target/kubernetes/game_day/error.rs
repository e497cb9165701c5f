//! Why a game day cannot begin in a cluster.

use crate::target::NoEndpoint;
use crate::target::kubernetes::ClusterError;

/// Why a game day cannot begin in a cluster. Nothing was broken.
#[derive(Debug, thiserror::Error)]
pub enum PodsError {
    /// The cluster refuses or is too slow.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A service does not say which pods it is.
    #[error("services.{service} has no `kubernetes` binding: say which pods it is")]
    NoBinding {
        /// The service.
        service: String,
    },
    /// A service has no pods.
    #[error(
        "services.{service}: no pod in the namespace `{namespace}` has the labels `{pods}`: \
         install the system first, or name other labels"
    )]
    NoPods {
        /// The service.
        service: String,
        /// Where they were looked for.
        namespace: String,
        /// By which labels.
        pods: String,
    },
    /// A pod is not ready.
    #[error("services.{service}: the pod {pod} is not ready: wait until all are")]
    NotReady {
        /// The service.
        service: String,
        /// The pod, with its namespace.
        pod: String,
    },
    /// A pod is in two services.
    #[error("the pod {pod} belongs to two services, {one} and {other}: tell them apart by labels")]
    InTwoServices {
        /// The pod, with its namespace.
        pod: String,
        /// One of them.
        one: String,
        /// The other one.
        other: String,
    },
    /// The target of the load is reached nowhere.
    #[error("services.{service}.kubernetes has no `reach`: say how users reach its pods")]
    NoReach {
        /// The service.
        service: String,
    },
    /// There is no such `Service`.
    #[error("there is no service `{name}` in the namespace `{namespace}`")]
    NoService {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// A `Service` has no such port.
    #[error("the service `{name}` has no port {port}, only: {ports}")]
    NoPort {
        /// Its name.
        name: String,
        /// The port.
        port: u16,
        /// Those that it has.
        ports: String,
    },
    /// A `Service` has no address.
    #[error(
        "the service `{name}` has no address of its own, since it is headless: name another one, \
         or a `url`"
    )]
    NoAddress {
        /// Its name.
        name: String,
    },
    /// A base URL is none.
    #[error("services.{service}.kubernetes.reach.url: {source}")]
    Url {
        /// The service.
        service: String,
        /// What is wrong.
        source: NoEndpoint,
    },
}
