//! A dependency that does what it is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use parking_lot::Mutex;
use tokio::time::Instant;
use tower_service::Service;

use super::body::{Ending, ScriptedBody};
use crate::BoxError;
use crate::transport::{TransportError, TransportErrorKind};

/// What the dependency does with one call.
#[derive(Debug, Clone)]
#[must_use]
pub struct Step {
    delay: Duration,
    does: Does,
}

#[derive(Debug, Clone)]
enum Does {
    Answers {
        status: StatusCode,
        headers: HeaderMap,
        body: ScriptedBody,
    },
    Fails(TransportErrorKind),
    Hangs,
}

impl Step {
    /// Answers with this status, 500 for what is none.
    pub fn status(status: u16) -> Self {
        Self {
            delay: Duration::ZERO,
            does: Does::Answers {
                status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                headers: HeaderMap::new(),
                body: ScriptedBody::new(Bytes::new()),
            },
        }
    }

    /// Answers 200 with this content.
    pub fn content(content: impl Into<Bytes>) -> Self {
        let mut step = Self::status(200);
        if let Does::Answers { body, .. } = &mut step.does {
            *body = ScriptedBody::new(content.into());
        }
        step
    }

    /// Refuses the connection.
    pub const fn refuse() -> Self {
        Self::fail(TransportErrorKind::Refused)
    }

    /// Breaks the connection off.
    pub const fn reset() -> Self {
        Self::fail(TransportErrorKind::Reset)
    }

    /// Fails on the wire.
    pub const fn fail(kind: TransportErrorKind) -> Self {
        Self {
            delay: Duration::ZERO,
            does: Does::Fails(kind),
        }
    }

    /// Never answers.
    pub const fn hang() -> Self {
        Self {
            delay: Duration::ZERO,
            does: Does::Hangs,
        }
    }

    /// Takes so long first.
    pub const fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Answers with this header, too.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Does::Answers { headers, .. } = &mut self.does {
            headers.append(name, value);
        }
        self
    }

    /// The body breaks off after its content: the connection is reset.
    pub fn breaking_off(self) -> Self {
        self.ending(Ending::BreaksOff)
    }

    /// The body stands still after its content, and never ends.
    pub fn stalling(self) -> Self {
        self.ending(Ending::Stalls)
    }

    /// The body ends with these trailers, as answers of gRPC do.
    pub fn trailers(self, trailers: HeaderMap) -> Self {
        self.ending(Ending::Trailers(Box::new(trailers)))
    }

    fn ending(mut self, ending: Ending) -> Self {
        if let Does::Answers { body, .. } = &mut self.does {
            body.ends_with(ending);
        }
        self
    }

    async fn play(self, endpoint: String) -> Result<Response<ScriptedBody>, BoxError> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        match self.does {
            Does::Answers {
                status,
                headers,
                body,
            } => {
                let mut response = Response::new(body.sent_by(endpoint));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                Ok(response)
            }
            Does::Fails(kind) => Err(TransportError::new(kind, endpoint, "scripted").into()),
            Does::Hangs => std::future::pending().await,
        }
    }
}

/// One call as the dependency saw it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordedCall {
    /// The method.
    pub method: Method,
    /// Where it was sent; with the endpoint, behind a balancer.
    pub uri: Uri,
    /// What it carried.
    pub headers: HeaderMap,
    /// When.
    pub at: Instant,
}

type Rule = dyn Fn(&RecordedCall) -> Step + Send + Sync;

/// A dependency that does what it is told, and remembers what it was asked. Clones are the same
/// dependency.
#[derive(Clone)]
pub struct Script {
    shared: Arc<Shared>,
}

struct Shared {
    steps: Steps,
    calls: Mutex<Vec<RecordedCall>>,
    readiness: Mutex<Readiness>,
}

/// Whether a dependency takes calls at all: what its `poll_ready` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// It does.
    #[default]
    Ready,
    /// It never says so, and nobody is woken.
    Hangs,
    /// It fails instead.
    Fails,
}

enum Steps {
    List(Mutex<VecDeque<Step>>),
    Rule(Box<Rule>),
}

impl Script {
    /// One step for each call, and the last one for all that come after; without any step,
    /// calls hang.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::with(Steps::List(Mutex::new(steps.into_iter().collect())))
    }

    /// What a function of the call says.
    pub fn by(rule: impl Fn(&RecordedCall) -> Step + Send + Sync + 'static) -> Self {
        Self::with(Steps::Rule(Box::new(rule)))
    }

    fn with(steps: Steps) -> Self {
        Self {
            shared: Arc::new(Shared {
                steps,
                calls: Mutex::default(),
                readiness: Mutex::default(),
            }),
        }
    }

    /// From now on it is ready like this (default: it is). Who waits already is not woken.
    pub fn set_readiness(&self, readiness: Readiness) {
        *self.shared.readiness.lock() = readiness;
    }

    /// What it was asked so far.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.shared.calls.lock().clone()
    }

    fn step(&self, call: &RecordedCall) -> Step {
        match &self.shared.steps {
            Steps::Rule(rule) => rule(call),
            Steps::List(steps) => {
                let mut steps = steps.lock();
                let step = if steps.len() > 1 {
                    steps.pop_front()
                } else {
                    steps.front().cloned()
                };
                step.unwrap_or_else(Step::hang)
            }
        }
    }
}

impl<B> Service<Request<B>> for Script {
    type Response = Response<ScriptedBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match *self.shared.readiness.lock() {
            Readiness::Ready => Poll::Ready(Ok(())),
            Readiness::Hangs => Poll::Pending,
            Readiness::Fails => {
                let error = TransportError::new(TransportErrorKind::Other, "", "not ready");
                Poll::Ready(Err(error.into()))
            }
        }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Parts {
            method,
            uri,
            headers,
            ..
        } = request.into_parts().0;
        let endpoint = uri.authority().map(ToString::to_string).unwrap_or_default();
        let call = RecordedCall {
            method,
            uri,
            headers,
            at: Instant::now(),
        };
        let step = self.step(&call);
        self.shared.calls.lock().push(call);
        Box::pin(step.play(endpoint))
    }
}

impl std::fmt::Debug for Script {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Script")
            .field("calls", &self.shared.calls.lock().len())
            .finish_non_exhaustive()
    }
}
