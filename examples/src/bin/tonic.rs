//! A circuit breaker around tonic's channel. gRPC says how a call went in `grpc-status`, among
//! the headers or in the trailers, and the HTTP status is 200 either way.
//!
//! The service is gRPC's own health check, so that nothing is generated. Run it with
//! `cargo run --bin tonic`.

use resilience::BoxError;
use resilience::circuit_breaker::{CircuitBreakerConfig, CircuitBreakerLayer, State, Window};
use resilience::classify::GrpcClassify;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::Layer;

/// Knows no name but `ok`, and is broken for `broken`.
struct Titles;

type Answers = tokio_stream::Iter<std::vec::IntoIter<Result<HealthCheckResponse, Status>>>;

#[tonic::async_trait]
impl Health for Titles {
    type WatchStream = Answers;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.get_ref().service.as_str() {
            "ok" => Ok(Response::new(HealthCheckResponse { status: 1 })),
            "broken" => Err(Status::unavailable("the disk is gone")),
            _ => Err(Status::not_found("no such title")),
        }
    }

    /// One answer, and then the end of it in the trailers.
    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Answers>, Status> {
        let answers = vec![
            Ok(HealthCheckResponse { status: 1 }),
            Err(Status::unavailable("the disk is gone")),
        ];
        Ok(Response::new(tokio_stream::iter(answers)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let routes = Server::builder().add_service(HealthServer::new(Titles));
    let server = tokio::spawn(routes.serve_with_incoming(TcpListenerStream::new(listener)));
    let channel = Channel::from_shared(url)?.connect().await?;

    for (what, asks, expected) in [
        ("names that are not there", Asks::Unknown, State::Closed),
        ("failures in the headers", Asks::Broken, State::Open),
        ("failures in the trailers", Asks::Stream, State::Open),
    ] {
        let breaker = CircuitBreakerLayer::builder("titles")
            .config(
                CircuitBreakerConfig::new()
                    .window(Window::count(10))
                    .minimum_calls(4),
            )
            .classify(GrpcClassify::default())
            .track_bodies()
            .build()?;
        let mut titles = HealthClient::new(breaker.layer(channel.clone()));
        for _ in 0..4 {
            let code = match asks {
                Asks::Unknown => check(&mut titles, "nobody").await,
                Asks::Broken => check(&mut titles, "broken").await,
                Asks::Stream => {
                    let mut answers = titles.watch(of("ok")).await?.into_inner();
                    while let Ok(Some(_)) = answers.message().await {}
                    Code::Unavailable
                }
            };
            println!("{what}: {code:?}");
        }
        let state = breaker.handle().state();
        println!("after four {what} the breaker is {}", state.as_str());
        assert_eq!(state, expected);
    }
    server.abort();
    Ok(())
}

#[derive(Clone, Copy)]
enum Asks {
    Unknown,
    Broken,
    Stream,
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

async fn check<S>(titles: &mut HealthClient<S>, service: &str) -> Code
where
    S: tonic::client::GrpcService<tonic::body::Body>,
    S::Error: Into<BoxError>,
    S::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<BoxError> + Send,
{
    match titles.check(of(service)).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}
