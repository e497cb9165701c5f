//! Each change of a list from one version of it on.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use kube::Client;
use kube::api::{WatchEvent, WatchParams};
use kube::core::Request;
use serde::Deserialize;
use tokio::time::timeout;

use super::source::Source;
use crate::agent::object::ObjectMetadata;
use crate::target::kubernetes::connection::{ANSWER_LIMIT, chain};

/// How long the cluster may go on telling, in seconds; then it is asked anew.
const ASKED_FOR: u32 = 290;

/// How long nothing may come. Between two changes the cluster sends at least a bookmark a minute.
const SILENCE: Duration = Duration::from_secs(150);

/// A change.
pub(super) enum Change {
    /// An object is new, or it is another one.
    Is(Box<ObjectMetadata>),
    /// An object is gone.
    IsGone(Box<ObjectMetadata>),
    /// Nothing has changed up to this version.
    Nothing {
        /// The version.
        version: String,
    },
    /// The cluster does not know any more what has changed: all must be listed anew.
    Forgotten,
    /// Something went wrong. What has been told before holds.
    Failed(String),
}

#[derive(Debug, Clone, Deserialize)]
struct Object {
    metadata: ObjectMetadata,
}

/// Each change from a version on, until the cluster ends it or something goes wrong.
pub(super) fn changes(
    client: &Client,
    source: &Source,
    version: String,
) -> impl Stream<Item = Change> {
    let (client, path, fields) = (client.clone(), source.path(), source.fields());
    let first = async move {
        let parameters = WatchParams {
            field_selector: fields,
            timeout: Some(ASKED_FOR),
            bookmarks: true,
            ..WatchParams::default()
        };
        let request = Request::new(path).watch_metadata(&parameters, &version);
        let request = request.map_err(|error| chain(&error))?;
        let events = client.request_events::<Object>(request);
        match timeout(ANSWER_LIMIT, events).await {
            Ok(Ok(events)) => Ok(events.boxed()),
            Ok(Err(error)) if is_forgotten(&error) => Err(String::new()),
            Ok(Err(error)) => Err(chain(&error)),
            Err(_) => Err(format!("no answer within {} s", ANSWER_LIMIT.as_secs())),
        }
    };
    stream::once(first).flat_map(|opened| match opened {
        Ok(events) => stream::unfold(Some(events), next).boxed(),
        Err(error) if error.is_empty() => stream::iter([Change::Forgotten]).boxed(),
        Err(error) => stream::iter([Change::Failed(error)]).boxed(),
    })
}

type Events = stream::BoxStream<'static, kube::Result<WatchEvent<Object>>>;

/// The next change, and what comes after it: nothing where something went wrong.
async fn next(events: Option<Events>) -> Option<(Change, Option<Events>)> {
    let mut events = events?;
    let change = match timeout(SILENCE, events.next()).await {
        Ok(event) => change(event?),
        Err(_) => Change::Failed(format!("nothing was told for {} s", SILENCE.as_secs())),
    };
    let goes_on = !matches!(change, Change::Failed(_) | Change::Forgotten);
    Some((change, goes_on.then_some(events)))
}

fn change(event: kube::Result<WatchEvent<Object>>) -> Change {
    match event {
        Ok(WatchEvent::Added(it) | WatchEvent::Modified(it)) => Change::Is(Box::new(it.metadata)),
        Ok(WatchEvent::Deleted(it)) => Change::IsGone(Box::new(it.metadata)),
        Ok(WatchEvent::Bookmark(it)) => Change::Nothing {
            version: it.metadata.resource_version,
        },
        Ok(WatchEvent::Error(status)) if status.code == 410 => Change::Forgotten,
        Ok(WatchEvent::Error(status)) => Change::Failed(status.message),
        Err(error) if is_forgotten(&error) => Change::Forgotten,
        Err(error) => Change::Failed(chain(&error)),
    }
}

fn is_forgotten(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 410)
}
