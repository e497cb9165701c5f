//! What the tests of whole client stacks share.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code, unreachable_pub)]

pub mod sockets;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use parking_lot::Mutex;
use resilience::balance::Endpoints;
use resilience::transport::{TransportError, TransportErrorKind};
use resilience::{BoxError, ClientBuilder};
use tower::{Service, service_fn};

pub type Answer = Result<Response<Full<Bytes>>, BoxError>;

/// What one endpoint of a scripted network does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers 200 with its own name after so many milliseconds.
    Well(u64),
    /// Answers with a status at once.
    Status(u16),
    /// Takes the request and never answers.
    BlackHole,
    /// Nobody listens.
    Refuses,
    /// Breaks the connection off.
    Resets,
}

/// A network without sockets, so that paused time reaches all of it.
#[derive(Clone, Default)]
pub struct Network {
    behaviours: Arc<Mutex<BTreeMap<String, Behaviour>>>,
    received: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Network {
    pub fn new<const N: usize>(behaviours: [Behaviour; N]) -> Self {
        let network = Self::default();
        for (index, behaviour) in behaviours.into_iter().enumerate() {
            network.set(index, behaviour);
        }
        network
    }

    pub fn set(&self, endpoint: usize, behaviour: Behaviour) {
        let mut behaviours = self.behaviours.lock();
        behaviours.insert(name(endpoint), behaviour);
    }

    pub fn endpoints(&self) -> Endpoints {
        let behaviours = self.behaviours.lock();
        let list: Vec<String> = behaviours
            .keys()
            .map(|name| format!("http://{name}"))
            .collect();
        Endpoints::parse(&list.join(",")).unwrap()
    }

    /// How many requests reached the endpoint, refused ones included.
    pub fn received(&self, endpoint: usize) -> usize {
        self.received
            .lock()
            .get(&name(endpoint))
            .copied()
            .unwrap_or(0)
    }

    pub fn transport(
        &self,
    ) -> impl Service<
        Request<Bytes>,
        Response = Response<Full<Bytes>>,
        Error = BoxError,
        Future = Pin<Box<dyn Future<Output = Answer> + Send>>,
    >
    + Clone
    + Send
    + Sync
    + 'static
    + use<> {
        let network = self.clone();
        service_fn(move |request: Request<Bytes>| {
            let endpoint = request.uri().authority().unwrap().to_string();
            *network.received.lock().entry(endpoint.clone()).or_default() += 1;
            let behaviour = network.behaviours.lock()[&endpoint];
            let answer: Pin<Box<dyn Future<Output = Answer> + Send>> =
                Box::pin(behave(behaviour, endpoint));
            answer
        })
    }
}

async fn behave(behaviour: Behaviour, endpoint: String) -> Answer {
    let broken = |kind| Err(TransportError::new(kind, endpoint.clone(), "scripted").into());
    match behaviour {
        Behaviour::Well(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            Ok(Response::new(Full::from(endpoint)))
        }
        Behaviour::Status(status) => Ok(Response::builder()
            .status(status)
            .body(Full::default())
            .unwrap()),
        Behaviour::BlackHole => std::future::pending().await,
        Behaviour::Refuses => broken(TransportErrorKind::Refused),
        Behaviour::Resets => broken(TransportErrorKind::Reset),
    }
}

fn name(endpoint: usize) -> String {
    format!("r{endpoint}:80")
}

pub fn metadata(network: &Network) -> ClientBuilder {
    resilience::client("metadata").endpoints(network.endpoints())
}

pub fn request(method: Method) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri("/titles/7")
        .body(Bytes::new())
        .unwrap()
}

pub fn get() -> Request<Bytes> {
    request(Method::GET)
}
