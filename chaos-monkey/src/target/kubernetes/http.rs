//! Requests to others than the cluster: outage probes and webhooks.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::connection::chain;

/// How much of an answer is read.
const LONGEST_ANSWER: usize = 1 << 20;

/// Made once, since it takes a while to read all root certificates.
static CONNECTOR: OnceCell<HttpsConnector<HttpConnector>> = OnceCell::const_new();

/// Sends a request and reads the answer.
///
/// # Errors
///
/// No answer within the limit, or none at all; in words that do not hold the URL, which may be
/// secret.
pub(super) async fn send(
    request: Request<Bytes>,
    limit: Duration,
) -> Result<(StatusCode, Bytes), String> {
    let answer = async {
        let connector = CONNECTOR.get_or_try_init(|| spawn_blocking(connector));
        let connector = connector.await.map_err(|error| error.to_string())?;
        let client: Client<HttpsConnector<HttpConnector>, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build(connector.clone());
        let answer = client.request(request.map(Full::new)).await;
        let answer = answer.map_err(|error| chain(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect();
        let body = body.await.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes()))
    };
    match timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}

/// With the root certificates of the machine, which `SSL_CERT_FILE` names; in an image that has
/// none, with those of Mozilla.
fn connector() -> HttpsConnector<HttpConnector> {
    let builder = match HttpsConnectorBuilder::new().with_native_roots() {
        Ok(builder) => builder,
        Err(_) => HttpsConnectorBuilder::new().with_webpki_roots(),
    };
    builder.https_or_http().enable_http1().build()
}
