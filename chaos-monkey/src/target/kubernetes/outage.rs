//! Asks whether something is broken already. Whatever goes wrong with the question forbids.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};

use super::http::send;
use crate::schema::{OutageProbe, PrometheusProbe};

/// How long an answer may take.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

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
    match get(&url).await {
        Err(error) => Some(format!("{} has not answered: {error}", shown(&url))),
        Ok((status, _)) if !status.is_success() => {
            Some(format!("{} answered {status}", shown(&url)))
        }
        Ok((_, body)) if is_prometheus => results(&body).err(),
        Ok(_) => None,
    }
}

/// A probe as it may be logged.
pub(super) fn without_secrets(probe: &OutageProbe) -> OutageProbe {
    match probe {
        OutageProbe::Http(url) => OutageProbe::Http(shown(url)),
        OutageProbe::Prometheus(probe) => OutageProbe::Prometheus(PrometheusProbe {
            url: shown(&probe.url),
            query: probe.query.clone(),
        }),
    }
}

/// An address without what may be secret in it: names and passwords, and the query.
fn shown(url: &str) -> String {
    match url.parse::<Uri>() {
        Ok(url) => {
            let scheme = url.scheme_str().unwrap_or_default();
            let port = url
                .port()
                .map_or_else(String::new, |port| format!(":{port}"));
            let host = url.host().unwrap_or_default();
            format!("{scheme}://{host}{port}{}", url.path())
        }
        Err(_) => "the outage probe".to_owned(),
    }
}

async fn get(url: &str) -> Result<(StatusCode, Bytes), String> {
    let request = Request::get(url).body(Bytes::new());
    send(request.map_err(|error| error.to_string())?, LIMIT).await
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

#[cfg(test)]
mod tests;
