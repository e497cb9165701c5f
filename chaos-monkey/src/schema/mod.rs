//! What a person writes down: the resources of `chaos.aplomb.dev/v1alpha1`.
//!
//! One Rust type per resource, from which come the file reader, the JSON schema and the
//! reference page. Keys are camelCase, choices are externally tagged, unknown keys are errors.

mod agent;
mod duration;
mod game_day;
mod kill;
mod kind;
mod load;
pub(crate) mod patterns;
pub mod reference;
mod resource;
mod steady_state;
mod system;
mod timeline;

pub use agent::{
    Agent, AgentGuards, AgentSpec, Every, Hours, KillBudget, KillMethod, KillRecovery,
    MinimumHealthyPods, NamespaceChoice, OptIn, OutageProbe, OwnerChoice, OwnerKind, OwnerName,
    PerOwner, PerPod, PodChoice, PrometheusProbe, Rhythm, Schedule, Topic, VictimAmount, Webhook,
    WebhookForm, Weekday,
};
pub use duration::Span;
pub use game_day::{AbortCondition, GameDay, GameDaySpec, Guards, ReadBack, Recovery};
#[cfg(feature = "kubernetes")]
pub use kill::{Kill as KillRecord, KillLedger};
pub use kill::{KillLedgerSpec, KillOutcome, KillSpec, KillStatus, LedgerEntry, PublishedSettings};
pub use kind::{Kind, any_json_schema, json_schema};
pub use load::{
    Acknowledge, Capture, Dataset, Device, Expect, Journey, Load, Method, Rate, RateStep,
    RequestTemplate, Step, Users,
};
pub use resource::{API_VERSION, Metadata};
pub use steady_state::{Bound, Metric, Phase, SteadyState, Tolerance};
pub use system::{
    AutoPort, Events, Health, HealthCheck, HttpHealth, KubernetesBinding, Port, Prepare,
    ProcessBinding, Reach, Service, ServicePort, System, SystemSpec, TcpHealth,
};
pub use timeline::{
    Amount, FaultKind, Kill, Monkey, Outage, Pause, ServiceChoice, Timeline, TimelineFault,
};
