//! Asks an instance whether it is ready.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// What is asked, and how often.
#[derive(Debug, Clone)]
pub(super) struct Check {
    /// Where.
    pub(super) address: SocketAddr,
    /// The path of a GET, or nothing if an accepted connection is enough.
    pub(super) path: Option<String>,
    /// The pause after an answer.
    pub(super) interval: Duration,
    /// How long one answer may take.
    pub(super) timeout: Duration,
    /// How long after its start an instance must be ready.
    pub(super) within: Duration,
}

impl Check {
    /// Asks again and again until the answer is yes.
    pub(super) async fn until_ready(&self) {
        while !timeout(self.timeout, self.ask()).await.unwrap_or(false) {
            sleep(self.interval).await;
        }
    }

    async fn ask(&self) -> bool {
        let Ok(stream) = TcpStream::connect(self.address).await else {
            return false;
        };
        let Some(path) = &self.path else { return true };
        get(stream, self.address, path).await.unwrap_or(false)
    }
}

/// Whether a GET is answered with a status from 200 to 299.
async fn get(stream: TcpStream, address: SocketAddr, path: &str) -> Option<bool> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(path)
        .header(HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        // A server that closes at once ends the connection together with the answer.
        _ = connection => answer.await,
    };
    Some(answer.ok()?.status().is_success())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn answering(answers: Vec<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 1024];
                let read = stream.read(&mut buffer).await.unwrap();
                assert!(buffer[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        address
    }

    fn check(address: SocketAddr, path: Option<&str>) -> Check {
        Check {
            address,
            path: path.map(str::to_owned),
            interval: Duration::from_millis(1),
            timeout: Duration::from_secs(5),
            within: Duration::from_secs(5),
        }
    }

    #[tokio::test]
    async fn only_a_success_is_ready() {
        let unavailable = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        let fine = "HTTP/1.1 204 No Content\r\n\r\n";
        let address = answering(vec![unavailable, "garbage\r\n\r\n", "", fine]).await;
        let check = check(address, Some("/readyz"));
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(check.ask().await);
        }
        assert_eq!(answers, [false, false, false, true]);
    }

    #[tokio::test]
    async fn it_asks_until_the_answer_is_yes() {
        let unavailable = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        let fine = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        let address = answering(vec![unavailable, unavailable, fine]).await;
        check(address, Some("/readyz")).until_ready().await;
    }

    #[tokio::test]
    async fn a_connection_is_enough_without_a_path() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(check(address, None).ask().await);
        drop(listener);
        assert!(!check(address, None).ask().await);
    }
}
