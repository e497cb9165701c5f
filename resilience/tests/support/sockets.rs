//! Servers on real loopback sockets that fail in real ways.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use resilience::balance::Endpoints;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a server does with each request.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// Answers 200 `well`.
    Well,
    /// Answers a status without content.
    Status(u16),
    /// Promises a thousand bytes, sends ten and breaks the connection off.
    DiesInMidBody,
    /// Reads the request and breaks the connection off.
    DiesBeforeTheAnswer,
    /// Reads the request and says nothing.
    Hangs,
    /// Answers 200 with so many bytes.
    Large(usize),
}

/// A server; it is gone when this is dropped.
pub struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                connections.spawn(serve(connection, manner, Arc::clone(&counter)));
            }
        });
        Self {
            address,
            requests,
            accepting,
        }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The address of a port at which nobody listens.
pub async fn refusing_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub fn endpoints(urls: &[String]) -> Endpoints {
    Endpoints::parse(&urls.join(",")).unwrap()
}

async fn serve(mut connection: TcpStream, manner: Manner, requests: Arc<AtomicUsize>) {
    while read_request(&mut connection).await {
        requests.fetch_add(1, Ordering::SeqCst);
        let answer = match manner {
            Manner::Well => "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwell".to_owned(),
            Manner::Status(status) => {
                format!("HTTP/1.1 {status} Scripted\r\ncontent-length: 0\r\n\r\n")
            }
            Manner::DiesInMidBody => {
                "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly ten b".to_owned()
            }
            Manner::DiesBeforeTheAnswer => return,
            Manner::Hangs => std::future::pending().await,
            Manner::Large(size) => {
                let content = "x".repeat(size);
                format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n{content}")
            }
        };
        let is_sent = connection.write_all(answer.as_bytes()).await.is_ok();
        if !is_sent || matches!(manner, Manner::DiesInMidBody) {
            return;
        }
    }
}

/// Reads one request without a body; `false` if the other side has gone.
async fn read_request(connection: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        match connection.read(&mut byte).await {
            Ok(1) => request.extend_from_slice(&byte),
            _ => return false,
        }
    }
    true
}
