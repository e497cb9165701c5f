//! Game days and systems as they stand in the cluster. Their specs are read as they are, so that
//! each mistake in one can be told, and none hides another resource.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::agent::game_day::is_long_over;
use crate::schema::{API_VERSION, GameDayPhase, GameDayStatus, Kind};
use crate::target::kubernetes::connection::{ClusterError, ask};

/// A resource of ours whose spec is not read yet.
pub(super) type Resource = DynamicObject;

/// Where they are.
#[derive(Clone)]
pub(super) struct Store {
    client: Client,
}

/// A game day in the version in which it was read.
#[derive(Debug, Clone)]
pub(super) struct ReadDay {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) version: String,
    pub(super) generation: Option<i64>,
    pub(super) is_ending: bool,
    pub(super) spec: Value,
    /// Nothing where another version has written what this one does not understand.
    pub(super) status: Option<GameDayStatus>,
}

impl ReadDay {
    fn of(it: Resource) -> Self {
        let status = match &it.data["status"] {
            Value::Null => Some(GameDayStatus::default()),
            status => serde_json::from_value(status.clone()).ok(),
        };
        Self {
            namespace: it.metadata.namespace.unwrap_or_default(),
            name: it.metadata.name.unwrap_or_default(),
            uid: it.metadata.uid.unwrap_or_default(),
            version: it.metadata.resource_version.unwrap_or_default(),
            generation: it.metadata.generation,
            is_ending: it.metadata.deletion_timestamp.is_some(),
            spec: it.data["spec"].clone(),
            status,
        }
    }

    /// Namespace and name.
    pub(super) fn shown(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The name of its system.
    pub(super) fn system(&self) -> &str {
        self.spec["system"].as_str().unwrap_or_default()
    }

    /// Whether it runs, but should be over for long.
    pub(super) fn is_long_over(&self) -> bool {
        let now = Timestamp::now();
        self.status
            .as_ref()
            .is_some_and(|status| is_long_over(status, &self.spec, now))
    }

    /// What an Event is about.
    pub(super) fn reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some(API_VERSION.to_owned()),
            kind: Some(Kind::GameDay.as_str().to_owned()),
            namespace: Some(self.namespace.clone()),
            name: Some(self.name.clone()),
            uid: Some(self.uid.clone()),
            ..ObjectReference::default()
        }
    }
}

impl Store {
    pub(super) const fn new(client: Client) -> Self {
        Self { client }
    }

    /// A game day, if it is there.
    pub(super) async fn get(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ReadDay>, ClusterError> {
        let api = game_days(&self.client, Some(namespace));
        let what = format!("get gameday {namespace}/{name}");
        let found = ask(what, api.get_opt(name)).await?;
        Ok(found.map(ReadDay::of))
    }

    /// The spec of a system, if it is there.
    pub(super) async fn system(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, ClusterError> {
        let kind = resource(Kind::System, "systems");
        let api: Api<Resource> = Api::namespaced_with(self.client.clone(), namespace, &kind);
        let what = format!("get system {namespace}/{name}");
        let found = ask(what, api.get_opt(name)).await?;
        Ok(found.map(|it| it.data["spec"].clone()))
    }

    /// Another game day that runs against the same system, and by which agent.
    pub(super) async fn rival(
        &self,
        day: &ReadDay,
    ) -> Result<Option<(String, String)>, ClusterError> {
        let api = game_days(&self.client, Some(&day.namespace));
        let what = format!("list gamedays of {}", day.namespace);
        let all = ask(what, api.list(&ListParams::default())).await?;
        let others = all.items.into_iter().map(ReadDay::of);
        let mut others = others.filter(|it| it.uid != day.uid && it.system() == day.system());
        Ok(others.find_map(|other| {
            let status = other.status.clone()?;
            let runs = status.phase == Some(GameDayPhase::Running) && !other.is_long_over();
            runs.then(|| (other.shown(), status.agent.unwrap_or_default()))
        }))
    }

    /// Writes a status, if nobody has changed the game day since it was read.
    pub(super) async fn write(
        &self,
        day: &ReadDay,
        status: &GameDayStatus,
    ) -> Result<(), ClusterError> {
        let api = game_days(&self.client, Some(&day.namespace));
        let patch = Patch::Merge(json!({
            "metadata": {"resourceVersion": day.version, "uid": day.uid},
            "status": status,
        }));
        let parameters = PatchParams::default();
        let question = api.patch_status(&day.name, &parameters, &patch);
        ask(format!("patch status of gameday {}", day.shown()), question).await?;
        Ok(())
    }
}

/// The game days of a namespace, or of all.
pub(super) fn game_days(client: &Client, namespace: Option<&str>) -> Api<Resource> {
    let kind = resource(Kind::GameDay, "gamedays");
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind),
        None => Api::all_with(client.clone(), &kind),
    }
}

fn resource(kind: Kind, plural: &str) -> ApiResource {
    let (group, version) = API_VERSION.split_once('/').unwrap_or((API_VERSION, ""));
    let kind = GroupVersionKind::gvk(group, version, kind.as_str());
    ApiResource::from_gvk_with_plural(&kind, plural)
}
