//! The halt switch: a ConfigMap `chaos-halt`. In the namespace of the agent it halts everything,
//! elsewhere that namespace.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client};

use super::connection::{ClusterError, ask};
use crate::agent::guard::Halt;

/// The name of the ConfigMap.
pub const NAME: &str = "chaos-halt";

/// The halts of some namespaces that are on.
///
/// # Errors
///
/// One of them cannot be read.
pub async fn read(client: &Client, namespaces: &[&str]) -> Result<Vec<Halt>, ClusterError> {
    let reads = namespaces
        .iter()
        .map(|namespace| read_one(client, namespace));
    let halts = futures_util::future::try_join_all(reads).await?;
    Ok(halts.into_iter().flatten().collect())
}

async fn read_one(client: &Client, namespace: &str) -> Result<Option<Halt>, ClusterError> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let what = format!("get configmap {namespace}/{NAME}");
    let found = ask(what, api.get_opt(NAME)).await?;
    Ok(found.map(|it| {
        let reason = it.data.unwrap_or_default().remove("reason");
        Halt {
            namespace: namespace.to_owned(),
            reason: reason.unwrap_or_else(|| "no reason was given".to_owned()),
        }
    }))
}

/// Switches a halt on. One that is on already keeps its reason.
///
/// # Errors
///
/// The cluster refuses or is too slow.
pub async fn switch_on(
    client: &Client,
    namespace: &str,
    reason: &str,
    by: &str,
) -> Result<(), ClusterError> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let data = [
        ("reason", reason.to_owned()),
        ("by", by.to_owned()),
        ("at", Timestamp::now().to_string()),
    ];
    let data: BTreeMap<String, String> = data
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    let halt = ConfigMap {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..ConfigMap::default()
    };
    let parameters = PostParams::default();
    let what = format!("create configmap {namespace}/{NAME}");
    match ask(what, api.create(&parameters, &halt)).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_conflict() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Switches a halt off; says whether it was on.
///
/// # Errors
///
/// The cluster refuses or is too slow.
pub async fn switch_off(client: &Client, namespace: &str) -> Result<bool, ClusterError> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let what = format!("delete configmap {namespace}/{NAME}");
    match ask(what, api.delete(NAME, &DeleteParams::default())).await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == 404 => Ok(false),
        Err(error) => Err(error),
    }
}
