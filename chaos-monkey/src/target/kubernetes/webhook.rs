//! Delivers news to webhooks: each has its own queue, so that none waits for another and nobody
//! waits for any of them.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use prometheus::IntCounterVec;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::http::send;
use crate::agent::news::News;
use crate::schema::Webhook;

/// How much news waits for one webhook; what comes on top of it is left.
const QUEUE: usize = 100;

/// How long one try may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How long is waited after the first try; each time twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How often a delivery is tried.
const TRIES: u32 = 5;

/// One webhook that is being served.
pub(super) struct Hook {
    webhook: Webhook,
    queue: Sender<News>,
    results: IntCounterVec,
}

impl Hook {
    /// Serves a webhook until the hook is dropped and what waits is delivered. `results` counts by
    /// name and result.
    pub(super) fn serve(
        webhook: &Webhook,
        results: &IntCounterVec,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let (queue, news) = channel(QUEUE);
        tasks.spawn(deliver_all(webhook.clone(), news, results.clone()));
        Self {
            webhook: webhook.clone(),
            queue,
            results: results.clone(),
        }
    }

    /// Puts news into its queue, if it is about what it wants to know.
    pub(super) fn tell(&self, news: &News) {
        let name = &self.webhook.name;
        if self.webhook.about.contains(&news.topic) && self.queue.try_send(news.clone()).is_err() {
            self.results
                .with_label_values(&[name.as_str(), "left"])
                .inc();
            tracing::warn!(webhook = name, "too much waits for it: this is left");
        }
    }
}

async fn deliver_all(webhook: Webhook, mut all: Receiver<News>, results: IntCounterVec) {
    while let Some(news) = all.recv().await {
        let result = match deliver(&webhook, &news).await {
            Ok(()) => "delivered",
            Err(error) => {
                let (webhook, news) = (&webhook.name, news.sentence());
                tracing::warn!(webhook, error, news, "could not be delivered");
                "failed"
            }
        };
        let name = webhook.name.as_str();
        results.with_label_values(&[name, result]).inc();
    }
}

async fn deliver(webhook: &Webhook, news: &News) -> Result<(), String> {
    let id = format!("{:032x}", rand::random::<u128>());
    let (content_type, body) = news.posted(webhook.form, &id);
    let body = Bytes::from(body.to_string());
    let mut pause = FIRST_PAUSE;
    for tried in 1.. {
        let error = match post(webhook, content_type, body.clone()).await {
            Ok(status) if status.is_success() => return Ok(()),
            Ok(status) if is_final(status) => return Err(format!("it answered {status}")),
            Ok(status) => format!("it answered {status}"),
            Err(error) => error,
        };
        if tried == TRIES {
            return Err(error);
        }
        sleep(pause).await;
        pause *= 2;
    }
    Ok(())
}

/// Whether the same request would be refused again.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error()
        && status != StatusCode::TOO_MANY_REQUESTS
        && status != StatusCode::REQUEST_TIMEOUT
}

async fn post(
    webhook: &Webhook,
    content_type: &'static str,
    body: Bytes,
) -> Result<StatusCode, String> {
    let request = Request::post(url(webhook).await?)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::USER_AGENT, "chaos-monkey")
        .body(body);
    let request = request.map_err(|error| error.to_string())?;
    Ok(send(request, LIMIT).await?.0)
}

/// Why a webhook cannot be reached. Any answer will do: nothing is posted.
pub(super) async fn trouble(webhook: &Webhook) -> Option<String> {
    let ask = async {
        let request = Request::head(url(webhook).await?).body(Bytes::new());
        send(request.map_err(|error| error.to_string())?, LIMIT).await
    };
    ask.await.err()
}

/// What stands in its file, which no error repeats.
async fn url(webhook: &Webhook) -> Result<Uri, String> {
    let file = Path::new(&webhook.url_file);
    let text = tokio::fs::read_to_string(file)
        .await
        .map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
    let url = text.trim().parse::<Uri>().ok();
    url.filter(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
        .ok_or_else(|| {
            let file = file.display();
            format!("{file}: what stands in it is no URL that begins with https:// or http://")
        })
}

#[cfg(test)]
mod tests;
