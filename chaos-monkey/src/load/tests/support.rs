//! What the tests of the load share.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::journal::{Cause, Entry, Record, RequestRecord};
use crate::load::bindings::Rows;
use crate::load::transport::{Answer, Outgoing, Transport};
use crate::load::world::World;
use crate::schema::GameDaySpec;

pub(super) const SEED: u64 = 7;

/// A game day whose load is the given one.
pub(super) fn spec(load: Value, read_back: Value) -> GameDaySpec {
    serde_json::from_value(json!({
        "title": "t", "hypothesis": "h", "system": "s",
        "load": load,
        "steadyState": [],
        "timeline": { "duration": "10s", "faults": [] },
        "readBack": read_back,
    }))
    .unwrap()
}

/// One journey `look` with one GET.
pub(super) fn simple_load(per_second: f64) -> Value {
    json!({
        "target": "front",
        "rate": { "constant": per_second },
        "journeys": { "look": { "weight": 1.0, "steps": [
            { "name": "look", "request": { "path": "/look/${sequence}" } },
        ]}},
    })
}

pub(super) fn answer(status: u16, body: Value) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: serde_json::to_vec(&body).unwrap().into(),
    }
}

/// One attempt that a scripted transport saw.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) replica: usize,
    pub(super) path: String,
    pub(super) idempotency_key: Option<String>,
    pub(super) body: Value,
}

type Reply = dyn Fn(&Seen) -> (Duration, Result<Answer, Cause>) + Send + Sync;

/// Answers as a function tells it to, after the time that it says.
#[derive(Clone)]
pub(super) struct Scripted {
    pub(super) replicas: usize,
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
    reply: Arc<Reply>,
}

impl Scripted {
    pub(super) fn new(
        replicas: usize,
        reply: impl Fn(&Seen) -> (Duration, Result<Answer, Cause>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            replicas,
            seen: Arc::default(),
            reply: Arc::new(reply),
        }
    }
}

impl Transport for Scripted {
    fn replicas(&self) -> usize {
        self.replicas
    }

    async fn send(&self, replica: usize, request: &Outgoing) -> Result<Answer, Cause> {
        let key = request.headers.get("idempotency-key");
        let seen = Seen {
            at: Instant::now(),
            replica,
            path: request.path_and_query.to_string(),
            idempotency_key: key.map(|key| key.to_str().unwrap().to_owned()),
            body: serde_json::from_slice(&request.body).unwrap_or_default(),
        };
        self.seen.lock().push(seen.clone());
        let (after, reply) = (self.reply)(&seen);
        sleep(after).await;
        reply
    }
}

pub(super) async fn world(
    transport: Scripted,
    spec: &GameDaySpec,
    rows: Rows,
) -> Arc<World<Scripted>> {
    Arc::new(World::open_on(transport, spec, rows, SEED).await.unwrap())
}

pub(super) fn records(receiver: &mut mpsc::Receiver<Entry>) -> Vec<Entry> {
    std::iter::from_fn(|| receiver.try_recv().ok()).collect()
}

pub(super) fn requests(entries: &[Entry]) -> Vec<(i64, RequestRecord)> {
    entries
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::Request(request) => Some((entry.at, (**request).clone())),
            _ => None,
        })
        .collect()
}
