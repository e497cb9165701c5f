//! `kind: System`: the services that can be broken, and how each is run.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patterns::{LABEL, PATH};
use super::{API_VERSION, Metadata, Span};

/// A system: services made of instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct System {
    /// Always `chaos.aplomb.dev/v1alpha1`.
    #[schemars(extend("const" = API_VERSION))]
    pub api_version: String,
    /// Always `System`.
    #[schemars(extend("const" = "System"))]
    pub kind: String,
    /// Its name.
    pub metadata: Metadata,
    /// What it is made of.
    pub spec: SystemSpec,
}

/// What a system is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SystemSpec {
    /// Names of secrets that are drawn at random for each run and used as `${secret.NAME}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// A command that runs to its end before the first instance starts, or before the pods of a
    /// cluster are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepare: Option<Prepare>,
    /// The services, in the order in which they start.
    #[schemars(extend("minProperties" = 1))]
    pub services: IndexMap<String, Service>,
}

/// A command that runs to its end before the first instance starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prepare {
    /// The program and its arguments. `${run}` is the run's working folder.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// Environment variables in addition to the engine's own.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub env: IndexMap<String, String>,
    /// How long it may take.
    #[serde(default = "Prepare::default_within")]
    pub within: Span,
}

impl Prepare {
    fn default_within() -> Span {
        Span::from_secs(60)
    }
}

/// One service, with a binding to each place where it can run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// How it runs as local processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessBinding>,
    /// Which pods of a cluster it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesBinding>,
}

/// How a service runs as local processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessBinding {
    /// The program and its arguments. Known inside: `${port.NAME}`, `${endpoints.SERVICE}`
    /// (comma-separated `http://127.0.0.1:PORT` of the port called `http`), `${service}`,
    /// `${replica}`, `${run}` (the run's working folder), `${secret.NAME}`.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// Environment variables in addition to the engine's own; the same words are known.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub env: IndexMap<String, String>,
    /// How many instances run.
    #[serde(default = "ProcessBinding::default_replicas")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: u32,
    /// The ports of each instance, by name. The one that is called `http` serves users.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub ports: IndexMap<String, Port>,
    /// When an instance counts as ready.
    pub health: Health,
    /// How long a dead instance stays away before it is started again.
    #[serde(default = "ProcessBinding::default_restart_delay")]
    pub restart_delay: Span,
    /// How long an instance may take to end after SIGTERM, before SIGKILL.
    #[serde(default = "ProcessBinding::default_stop_within")]
    pub stop_within: Span,
    /// Where the instance tells of its breakers and degradations, as JSON lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Events>,
}

impl ProcessBinding {
    fn default_replicas() -> u32 {
        1
    }
    fn default_restart_delay() -> Span {
        Span::from_secs(1)
    }
    fn default_stop_within() -> Span {
        Span::from_secs(5)
    }
}

/// A port of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Port {
    /// A fixed number; replica n gets this number plus n.
    Fixed(#[schemars(range(min = 1, max = 65535))] u16),
    /// `auto`: a free port below the ephemeral range.
    Auto(AutoPort),
}

/// The word `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AutoPort {
    /// A free port below the ephemeral range.
    Auto,
}

/// When an instance counts as ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Health {
    /// What is asked.
    pub check: HealthCheck,
    /// How often.
    #[serde(default = "Health::default_interval")]
    pub interval: Span,
    /// How long one answer may take.
    #[serde(default = "Health::default_timeout")]
    pub timeout: Span,
    /// How long after its start an instance must be ready.
    #[serde(default = "Health::default_within")]
    pub within: Span,
}

impl Health {
    fn default_interval() -> Span {
        Span::from_millis(50)
    }
    fn default_timeout() -> Span {
        Span::from_secs(1)
    }
    fn default_within() -> Span {
        Span::from_secs(15)
    }
}

/// What is asked of an instance to learn whether it is ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum HealthCheck {
    /// A GET that must be answered with a status from 200 to 299.
    Http(HttpHealth),
    /// A TCP connection that must be accepted.
    Tcp(TcpHealth),
}

/// A GET that must be answered with a status from 200 to 299.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpHealth {
    /// The name of the port.
    pub port: String,
    /// The path, beginning with `/`.
    #[schemars(regex(pattern = PATH))]
    pub path: String,
}

/// A TCP connection that must be accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpHealth {
    /// The name of the port.
    pub port: String,
}

/// Where an instance tells of its breakers and degradations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Events {
    /// The name of the port.
    pub port: String,
    /// The path of an endless answer of JSON lines.
    #[schemars(regex(pattern = PATH))]
    pub path: String,
    /// A bearer token, usually `${secret.NAME}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<String>,
}

/// Which pods of a cluster a service is. Each is an instance; what brings them back and when they
/// are ready is the cluster's own business.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesBinding {
    /// The namespace of its pods.
    #[schemars(regex(pattern = LABEL))]
    pub namespace: String,
    /// The labels of its pods, as `kubectl get --selector` reads them, such as `app=web`.
    pub pods: String,
    /// Where users reach it. Only the target of a load needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
}

/// Where users reach the pods of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Reach {
    /// A `Service` of its namespace: by the address of its load balancer if it has one, else by
    /// that inside of the cluster.
    Service(ServicePort),
    /// A base URL, such as `http://shop.example.com`.
    Url(String),
}

/// A port of a `Service`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePort {
    /// The name of the `Service`.
    #[schemars(regex(pattern = LABEL))]
    pub name: String,
    /// The number of its port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
}
