//! Asks whether something is broken already. Whatever goes wrong with the question forbids.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use super::connection::chain;
use crate::schema::OutageProbe;

/// How long an answer may take.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

/// How much of an answer is read.
const LONGEST_ANSWER: usize = 1 << 20;

/// Why something may be broken already; nothing as long as all is well.
pub(super) async fn ask(probe: &OutageProbe) -> Option<String> {
    let (url, is_prometheus) = match probe {
        OutageProbe::Http(url) => (url.clone(), false),
        OutageProbe::Prometheus(probe) => {
            let query: String = form_urlencoded::byte_serialize(probe.query.as_bytes()).collect();
            let base = probe.url.trim_end_matches('/');
            (format!("{base}/api/v1/query?query={query}"), true)
        }
    };
    match timeout(LIMIT, get(&url)).await {
        Err(_) => Some(format!(
            "{url} has not answered within {} s",
            LIMIT.as_secs()
        )),
        Ok(Err(error)) => Some(format!("{url} has not answered: {error}")),
        Ok(Ok((status, _))) if !status.is_success() => Some(format!("{url} answered {status}")),
        Ok(Ok((_, body))) if is_prometheus => results(&body).err(),
        Ok(Ok(_)) => None,
    }
}

async fn get(url: &str) -> Result<(http::StatusCode, Vec<u8>), String> {
    let url: http::Uri = url.parse().map_err(|error| format!("{error}"))?;
    let client: Client<HttpConnector, Empty<bytes::Bytes>> =
        Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(url).await.map_err(|error| chain(&error))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), LONGEST_ANSWER)
        .collect()
        .await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    Ok((status, body.to_vec()))
}

/// An answer without results, as Prometheus gives it.
fn results(body: &[u8]) -> Result<(), String> {
    let answer: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| format!("its answer is no JSON: {error}"))?;
    if answer["status"] != "success" {
        return Err(format!("Prometheus could not answer: {}", answer["error"]));
    }
    match answer["data"]["result"].as_array().map(Vec::as_slice) {
        Some([]) => Ok(()),
        Some(results) => Err(format!("the query has {} results", results.len())),
        None => Err("the answer of Prometheus has no results at all".to_owned()),
    }
}
