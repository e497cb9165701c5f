//! What a person writes down: the resources of `chaos.aplomb.dev/v1alpha1`.
//!
//! One Rust type per resource, from which come the file reader, the JSON schema and the
//! reference page. Keys are camelCase, choices are externally tagged, unknown keys are errors.

mod agent;
#[cfg(feature = "kubernetes")]
mod definition;
mod duration;
mod game_day;
#[cfg(feature = "kubernetes")]
mod game_day_status;
mod kill;
mod kind;
mod load;
pub(crate) mod patterns;
pub mod reference;
mod resource;
mod steady_state;
#[cfg(feature = "kubernetes")]
mod structural;
mod system;
mod timeline;

pub use agent::{
    Agent, AgentGuards, AgentSpec, Every, GameDayChoice, Hours, KillBudget, KillMethod,
    KillRecovery, MinimumHealthyPods, NamespaceChoice, OptIn, OutageProbe, OwnerChoice, OwnerKind,
    OwnerName, PerOwner, PerPod, PodChoice, PrometheusProbe, Rhythm, Schedule, Topic, VictimAmount,
    Webhook, WebhookForm, Weekday,
};
#[cfg(feature = "kubernetes")]
pub use definition::{game_day_definition, system_definition};
pub use duration::Span;
pub use game_day::{AbortCondition, GameDay, GameDaySpec, Guards, ReadBack, Recovery};
#[cfg(feature = "kubernetes")]
pub use game_day_status::{GameDayPhase, GameDayStatus, GameDayVerdict};
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
