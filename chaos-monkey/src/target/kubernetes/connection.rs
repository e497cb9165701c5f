//! The way to a cluster.

use std::fmt::Write as _;
use std::future::Future;
use std::time::Duration;

use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::ConfigExt as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::{BoxError, ServiceBuilder, ServiceExt as _};

use super::send_until::{LimitedBody, limited};

/// How long a cluster may take to answer.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long a request can be on its way after it was written: a connection on which nothing is
/// acknowledged for so long is broken off, and what waits in it is thrown away.
pub(super) const UNDERWAY_LIMIT: Duration = Duration::from_secs(2);

/// The word for the context of a pod that talks to its own cluster.
const IN_CLUSTER: &str = "in-cluster";

/// The way to a cluster.
#[derive(Clone)]
pub struct Connection {
    /// The client.
    pub client: Client,
    /// The context that it was opened with.
    pub context: String,
    /// The namespace that the context names.
    pub namespace: String,
}

/// A cluster that did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// There is no way to one.
    #[error("there is no way to a cluster: {0}")]
    NoWay(String),
    /// It has no answer in time.
    #[error("{what}: no answer within {} s", ANSWER_LIMIT.as_secs())]
    TooSlow {
        /// What was asked of it.
        what: String,
    },
    /// It said no, or could not be reached.
    #[error("{what}: {why}")]
    Refused {
        /// What was asked of it.
        what: String,
        /// Its answer, for people.
        why: String,
        /// The status of its answer; 0 where it has none.
        code: u16,
    },
}

impl ClusterError {
    /// The status of the answer; 0 where there is none.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Refused { code, .. } => *code,
            Self::NoWay(_) | Self::TooSlow { .. } => 0,
        }
    }

    /// Whether it was a no, decided before anything was done. Without an answer, and with one that
    /// tells of a mishap on the way, it may have been done.
    pub const fn is_proven_no(&self) -> bool {
        matches!(self.code(), 400..=407 | 409..=499)
    }

    /// Whether it had no answer at all, so that others will have none either.
    pub const fn is_silence(&self) -> bool {
        self.code() == 0
    }

    /// Whether somebody else has changed it in the meantime, or made it before.
    pub const fn is_conflict(&self) -> bool {
        self.code() == 409
    }
}

impl Connection {
    /// Whether this is a pod that talks to its own cluster.
    pub fn is_in_cluster(&self) -> bool {
        self.context == IN_CLUSTER
    }

    /// Opens the way that a context of the kubeconfig names; without a name the current one, and
    /// without a kubeconfig that of a pod to its own cluster.
    ///
    /// # Errors
    ///
    /// A kubeconfig that cannot be read or has no such context.
    pub async fn open(context: Option<&str>) -> Result<Self, ClusterError> {
        let no_way = |error: &dyn std::error::Error| ClusterError::NoWay(chain(error));
        let (config, context) = match Kubeconfig::read() {
            Ok(file) => {
                let name = context.map(str::to_owned).or(file.current_context.clone());
                let name = name.ok_or_else(|| {
                    let why = "the kubeconfig has no current context: name one with --context";
                    ClusterError::NoWay(why.to_owned())
                })?;
                known(&file, &name)?;
                let options = KubeConfigOptions {
                    context: Some(name.clone()),
                    ..KubeConfigOptions::default()
                };
                let config = Config::from_custom_kubeconfig(file, &options).await;
                (config.map_err(|error| no_way(&error))?, name)
            }
            Err(error) if context.is_some() => return Err(no_way(&error)),
            Err(error) => match Config::incluster() {
                Ok(config) => (config, IN_CLUSTER.to_owned()),
                Err(outside) => {
                    let why = format!(
                        "neither by a kubeconfig ({}) nor as one of its pods ({})",
                        chain(&error),
                        chain(&outside)
                    );
                    return Err(ClusterError::NoWay(why));
                }
            },
        };
        let namespace = config.default_namespace.clone();
        let client = client(config)?;
        Ok(Self {
            client,
            context,
            namespace,
        })
    }
}

/// A client that sends nothing twice and nothing late: neither it nor the layers below it try a
/// request again, and what a broken connection holds is thrown away. A refused eviction, or one
/// that waits in a socket, must not arrive past a halt.
fn client(config: Config) -> Result<Client, ClusterError> {
    let no_way = |error: kube::Error| ClusterError::NoWay(chain(&error));
    if let Some(proxy) = &config.proxy_url {
        let proxy = proxy.host().unwrap_or_default();
        let why = format!("proxies are not supported, and the kubeconfig names one at `{proxy}`");
        return Err(ClusterError::NoWay(why));
    }
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(ANSWER_LIMIT));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNDERWAY_LIMIT));
    let tcp = tcp.map_response(without_linger as fn(_) -> _);
    let https = config
        .rustls_https_connector_with_connector(tcp)
        .map_err(no_way)?;
    let http = HttpClient::builder(TokioExecutor::new())
        .retry_canceled_requests(false)
        .build::<_, LimitedBody>(https);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(no_way)?)
        .layer(config.extra_headers_layer().map_err(no_way)?)
        .map_request(limited)
        .map_err(BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace))
}

/// A connection that throws away what it holds when it is closed.
fn without_linger(stream: TokioIo<TcpStream>) -> TokioIo<TcpStream> {
    if let Err(error) = stream.inner().set_zero_linger() {
        tracing::warn!(%error, "a connection cannot be told to end at once");
    }
    stream
}

fn known(file: &Kubeconfig, name: &str) -> Result<(), ClusterError> {
    let names: Vec<&str> = file.contexts.iter().map(|it| it.name.as_str()).collect();
    if names.contains(&name) {
        return Ok(());
    }
    let names = names.join(", ");
    let why = format!("the kubeconfig has no context `{name}`, only: {names}");
    Err(ClusterError::NoWay(why))
}

/// Asks something of a cluster, and waits no longer than it may take.
///
/// # Errors
///
/// No answer in time, or a no.
pub(super) async fn ask<Answer>(
    what: impl Into<String>,
    question: impl Future<Output = Result<Answer, kube::Error>>,
) -> Result<Answer, ClusterError> {
    match timeout(ANSWER_LIMIT, question).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(refused(what.into(), &error)),
        Err(_) => Err(ClusterError::TooSlow { what: what.into() }),
    }
}

fn refused(what: String, error: &kube::Error) -> ClusterError {
    let (why, code) = match error {
        kube::Error::Api(status) => (status.message.clone(), status.code),
        other => (chain(other), 0),
    };
    ClusterError::Refused { what, why, code }
}

/// An error with everything that led to it, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Many errors repeat what led to them.
        if !text.contains(&cause_text) {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    text
}
