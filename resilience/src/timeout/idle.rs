//! A limit on the time between two parts of a body.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_layer::Layer;
use tower_service::Service;

use super::error::BodyStalled;
use super::layer::millis;
use crate::BoxError;
use crate::config::{Checks, ConfigError};
use crate::telemetry::{Counter, Event, Telemetry, names};

/// Ends the body of an answer that stalls: nothing came for so long although somebody waited.
///
/// ```
/// use std::time::Duration;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, StreamBody};
/// use resilience::BoxError;
/// use resilience::timeout::{BodyStalled, IdleTimeoutLayer};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # type Frame = Result<http_body::Frame<Bytes>, BoxError>;
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let layer = IdleTimeoutLayer::builder("video").idle(Duration::from_secs(5)).build()?;
/// let client = layer.layer(service_fn(async |_: Request<()>| {
///     let silence = futures_util::stream::pending::<Frame>();
///     Ok::<_, BoxError>(Response::new(StreamBody::new(silence)))
/// }));
/// let body = client.oneshot(Request::new(())).await?.into_body();
/// let Err(error) = body.collect().await else { panic!("it never ends") };
/// assert!(error.is::<BodyStalled>());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct IdleTimeoutLayer {
    rules: Arc<Rules>,
}

#[derive(Debug)]
struct Rules {
    name: Arc<str>,
    idle: Option<Duration>,
    stalled: Counter,
    telemetry: Telemetry,
}

impl Rules {
    /// Counts and tells that a body was broken off.
    fn break_off(&self, idle: Duration) {
        self.stalled.increment();
        self.telemetry.tell(|| Event::BodyStalled {
            client: self.name.as_ref().to_owned(),
            after_ms: millis(idle),
        });
    }
}

impl IdleTimeoutLayer {
    /// Begins a limit for bodies from the dependency called `name`.
    pub fn builder(name: impl Into<String>) -> IdleTimeoutBuilder {
        IdleTimeoutBuilder {
            name: name.into(),
            idle: Some(super::BODY_IDLE),
            telemetry: Telemetry::default(),
        }
    }
}

/// Builds an [`IdleTimeoutLayer`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct IdleTimeoutBuilder {
    name: String,
    idle: Option<Duration>,
    telemetry: Telemetry,
}

impl IdleTimeoutBuilder {
    /// The longest time between two parts (default 60 s, that of nginx's `proxy_read_timeout`);
    /// `None` lets bodies stand still for ever.
    pub fn idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.idle = idle.into();
        self
    }

    /// Where metrics and events go (default: nowhere).
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// A time of zero.
    pub fn build(self) -> Result<IdleTimeoutLayer, ConfigError> {
        if let Some(idle) = self.idle {
            Checks("timeout").is_positive("idle", idle)?;
        }
        let stalled = self
            .telemetry
            .counter(&names::STALLED_BODIES, &[&self.name]);
        let rules = Rules {
            name: self.name.into(),
            idle: self.idle,
            stalled,
            telemetry: self.telemetry,
        };
        Ok(IdleTimeoutLayer {
            rules: Arc::new(rules),
        })
    }
}

impl<S> Layer<S> for IdleTimeoutLayer {
    type Service = IdleTimeout<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let rules = Arc::clone(&self.rules);
        IdleTimeout { inner, rules }
    }
}

/// Puts bodies under a limit; see [`IdleTimeoutLayer`].
#[derive(Debug, Clone)]
pub struct IdleTimeout<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S, Request, B> Service<Request> for IdleTimeout<S>
where
    S: Service<Request, Response = Response<B>>,
{
    type Response = Response<IdleBody<B>>;
    type Error = S::Error;
    type Future = IdleFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        IdleFuture {
            future: self.inner.call(request),
            rules: Arc::clone(&self.rules),
        }
    }
}

pin_project! {
    /// The future of [`IdleTimeout`].
    pub struct IdleFuture<F> {
        #[pin]
        future: F,
        rules: Arc<Rules>,
    }
}

impl<F, B, E> Future for IdleFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<IdleBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(context))?;
        let rules = Arc::clone(this.rules);
        Poll::Ready(Ok(response.map(|body| IdleBody {
            body,
            patience: None,
            rules,
        })))
    }
}

pin_project! {
    /// A body that fails with [`BodyStalled`] when nothing comes for too long.
    ///
    /// The time runs only while somebody waits for the next part: a slow reader is not to be
    /// blamed on the sender.
    #[derive(Debug)]
    pub struct IdleBody<B> {
        #[pin]
        body: B,
        patience: Option<Pin<Box<Sleep>>>,
        rules: Arc<Rules>,
    }
}

impl<B> Body for IdleBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.project();
        if let Poll::Ready(frame) = this.body.poll_frame(context) {
            *this.patience = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let Some(idle) = this.rules.idle else {
            return Poll::Pending;
        };
        let patience = this.patience.get_or_insert_with(|| Box::pin(sleep(idle)));
        ready!(patience.as_mut().poll(context));
        this.rules.break_off(idle);
        let error = BodyStalled {
            name: Arc::clone(&this.rules.name),
            after: idle,
        };
        Poll::Ready(Some(Err(error.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
