//! Follows the events of each instance: JSON lines over an endless answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::journal::{InstanceName, Journal, Record};

/// A longer line is not an event: it is counted and skipped.
const LINE_CAP: usize = 64 << 10;
/// How long an instance may take to begin its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The pause before the first reconnection; it doubles until [`LONGEST_PAUSE`] and starts anew
/// after every connection that was answered.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause, short enough that a restarted instance is heard soon.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Where one instance tells of itself.
#[derive(Clone)]
pub struct EventSource {
    /// Which instance.
    pub instance: InstanceName,
    /// The address of its port for events.
    pub address: SocketAddr,
    /// Path and query.
    pub path: String,
    /// The bearer token, if one is needed.
    pub bearer: Option<String>,
}

impl std::fmt::Debug for EventSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("EventSource")
            .field("instance", &self.instance)
            .field("address", &self.address)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Follows events until it is dropped.
#[derive(Debug)]
pub struct EventTail {
    tasks: JoinSet<()>,
    garbage: Arc<AtomicU64>,
}

impl EventTail {
    /// How many lines were not a JSON object or were longer than 64 KiB.
    pub fn garbage(&self) -> u64 {
        self.garbage.load(Ordering::Relaxed)
    }

    /// Ends following, and returns how many lines were garbage.
    pub async fn stop(mut self) -> u64 {
        self.tasks.shutdown().await;
        self.garbage()
    }
}

/// Follows the events of all sources, each in a task of its own, and writes every line as a
/// [`Record::ServiceEvent`]. An instance that cannot be reached is asked again after at most half
/// a second, for as long as the tail lives; what it said meanwhile is lost.
pub fn tail_events(sources: impl IntoIterator<Item = EventSource>, journal: &Journal) -> EventTail {
    let mut tasks = JoinSet::new();
    let garbage = Arc::new(AtomicU64::new(0));
    for source in sources {
        tasks.spawn(follow(source, journal.clone(), Arc::clone(&garbage)));
    }
    EventTail { tasks, garbage }
}

async fn follow(source: EventSource, journal: Journal, garbage: Arc<AtomicU64>) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(connector);
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(body) = connect(&client, &source).await {
            pause = FIRST_PAUSE;
            read_events(body, &source.instance, &journal, &garbage).await;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The endless answer, or nothing if the instance cannot be reached or refuses.
async fn connect(
    client: &Client<HttpConnector, Empty<Bytes>>,
    source: &EventSource,
) -> Option<Incoming> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(http::uri::Scheme::HTTP);
    parts.authority = source.address.to_string().parse().ok();
    parts.path_and_query = Some(PathAndQuery::try_from(source.path.as_str()).ok()?);
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    if let Some(bearer) = &source.bearer {
        let mut value = HeaderValue::try_from(format!("Bearer {bearer}")).ok()?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let response = timeout(ANSWER_WITHIN, client.request(request))
        .await
        .ok()?
        .ok()?;
    response.status().is_success().then(|| response.into_body())
}

/// Writes down every event until the answer ends or breaks.
async fn read_events(
    mut body: Incoming,
    instance: &InstanceName,
    journal: &Journal,
    garbage: &AtomicU64,
) {
    let mut lines = Lines::default();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        lines.push(&data, |line| match parse_line(line) {
            Line::Event(event) => {
                journal.record(Record::ServiceEvent {
                    instance: instance.clone(),
                    event,
                });
            }
            Line::Blank => {}
            Line::Garbage => {
                garbage.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

enum Line {
    Event(Value),
    /// Sent to keep the connection awake.
    Blank,
    Garbage,
}

/// What a line says; `None` is one that was too long.
fn parse_line(line: Option<&[u8]>) -> Line {
    let Some(line) = line else {
        return Line::Garbage;
    };
    if line.trim_ascii().is_empty() {
        return Line::Blank;
    }
    match serde_json::from_slice(line) {
        Ok(event @ Value::Object(_)) => Line::Event(event),
        _ => Line::Garbage,
    }
}

/// Splits chunks into lines without ever holding more than one line.
#[derive(Debug, Default)]
struct Lines {
    partial: BytesMut,
    is_too_long: bool,
}

impl Lines {
    fn push(&mut self, chunk: &[u8], mut line: impl FnMut(Option<&[u8]>)) {
        let mut pieces = chunk.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.is_too_long |= self.partial.len() + piece.len() > LINE_CAP;
            if self.is_too_long {
                self.partial.clear();
            } else {
                self.partial.extend_from_slice(piece);
            }
            if pieces.peek().is_none() {
                return;
            }
            line(if self.is_too_long {
                None
            } else {
                Some(&self.partial)
            });
            self.partial.clear();
            self.is_too_long = false;
        }
    }
}
