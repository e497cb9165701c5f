//! One stand-in at work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;

use super::config::{Answer, Kind};
use super::store::Store;
use crate::BoxError;
use crate::ledger::Reason;
use crate::telemetry::{Counter, Telemetry, names};

/// The name of a last good answer in the ledger.
const LAST_GOOD: &str = "last-good";

/// In the extensions of an answer: a stand-in gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandInUsed;

/// A stand-in with its metrics and, where it keeps something, its store.
#[derive(Debug)]
pub(super) struct StandIn {
    pub(super) name: String,
    pub(super) share: f64,
    source: Source,
    used: BTreeMap<Reason, Counter>,
}

#[derive(Debug)]
enum Source {
    LastGood(Arc<Store>),
    Function(Answer),
}

/// What a stand-in answers.
#[derive(Debug)]
pub(super) struct StoodIn {
    pub(super) response: Response<Bytes>,
    pub(super) age: Option<Duration>,
}

impl StandIn {
    pub(super) fn new(client: &str, kind: Kind, telemetry: &Telemetry) -> Self {
        let (name, share, source) = match kind {
            Kind::LastGood(config) => {
                let store = Arc::new(Store::new(config));
                (LAST_GOOD.to_owned(), config.share, Source::LastGood(store))
            }
            Kind::Function {
                stood_in,
                share,
                answer,
            } => (stood_in, share, Source::Function(answer)),
        };
        let counter = |reason: Reason| {
            let labels = [client, &name, reason.as_str()];
            (reason, telemetry.counter(&names::FALLBACKS, &labels))
        };
        Self {
            used: Reason::ALL.into_iter().map(counter).collect(),
            name,
            share,
            source,
        }
    }

    /// Where this stand-in keeps good answers, if it does.
    pub(super) const fn store(&self) -> Option<&Arc<Store>> {
        match &self.source {
            Source::LastGood(store) => Some(store),
            Source::Function(_) => None,
        }
    }

    /// Whether it must see the request.
    pub(super) const fn needs_request(&self) -> bool {
        matches!(self.source, Source::Function(_))
    }

    pub(super) fn answer(
        &self,
        key: Option<&str>,
        request: Option<&Request<Bytes>>,
        error: &BoxError,
    ) -> Option<StoodIn> {
        match &self.source {
            Source::LastGood(store) => {
                let (response, age) = store.get(key?, Instant::now())?;
                Some(StoodIn {
                    response,
                    age: Some(age),
                })
            }
            Source::Function(answer) => Some(StoodIn {
                response: answer.to(request?, error)?,
                age: None,
            }),
        }
    }

    pub(super) fn count(&self, reason: Reason) {
        if let Some(counter) = self.used.get(&reason) {
            counter.increment();
        }
    }
}
