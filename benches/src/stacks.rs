//! Whole stacks over HTTP types, and what they cost with a part taken away.

use resilience::balance::Endpoints;
use resilience::hedge::HedgeConfig;
use resilience::quantile::QuantileConfig;
use resilience::telemetry::Telemetry;
use resilience::{BoxError, Client, ClientBuilder};
use tower::ServiceBuilder;
use tower_service::Service;

use crate::contender::{BARE, Contender, Instance, Table};
use crate::drive::{self, Expected};
use crate::parts::{Policy, SECOND, shared, their_bulkhead, their_retry, their_timeout};
use crate::trivial::{Handler, Transport, get};

const THREADS: [usize; 2] = [1, 2];

/// The whole client stack, as the goals name it.
pub const CLIENT: &str = "resilience, the client stack";

pub fn contenders() -> Vec<Contender> {
    let mut all = clients();
    all.extend(servers());
    all
}

fn clients() -> Vec<Contender> {
    let mut all = Vec::new();
    let mut add = |threads: &[usize], name: &str, promises: &str, make: fn() -> Instance| {
        all.extend(Contender::on_threads(
            Table::Client,
            threads,
            name,
            promises,
            make,
        ));
    };
    add(&THREADS, BARE, "nothing", || stack(Transport));
    let whole = "deadline, retry, breaker, bulkhead, attempt timeout, headers, balance, body";
    add(&THREADS, CLIENT, whole, || ours(|client| client));
    add(
        &[1],
        "resilience, with metrics",
        "the same, in a registry",
        || {
            ours(|client| {
                let registry = prometheus::Registry::new();
                client.telemetry(Telemetry::new(&registry).expect("an empty registry"))
            })
        },
    );
    let more = "the same and two more";
    add(&[1], "resilience, with coalesce and hedge", more, || {
        ours(|client| {
            let quantile = QuantileConfig::new(0.95);
            let hedge = HedgeConfig::after_quantile(quantile, SECOND);
            client.coalesce(true).hedge(hedge)
        })
    });
    let mut without = |part: &str, make: fn() -> Instance| {
        add(&[1], &format!("resilience, without {part}"), "", make);
    };
    without("deadline", || ours(|client| client.deadline(None)));
    without("retry", || ours(|client| client.retry(None)));
    without("breaker", || ours(|client| client.breaker(None)));
    without("bulkhead", || ours(|client| client.bulkhead(None)));
    without("attempt timeout", || {
        ours(|client| client.attempt_timeout(None))
    });
    without("any of the five", || ours(without_parts));
    let off = "endpoints in turn, body";
    add(&[1], "resilience, switched off", off, || {
        ours(|client| client.enabled(false))
    });
    let towers = "retry with budget, load shed, limit, timeout";
    add(&THREADS, "tower", towers, || {
        let layers = ServiceBuilder::new()
            .retry(Policy::with_budget())
            .load_shed()
            .concurrency_limit(64)
            .timeout(SECOND);
        stack(layers.service(Transport))
    });
    let theirs = "retry, breaker (latency tracked), bulkhead, time limit";
    add(&THREADS, "tower-resilience", theirs, || stack(rival()));
    all
}

fn servers() -> Vec<Contender> {
    let mut all = Vec::new();
    let mut add = |threads: &[usize], name: &str, promises: &str, make: fn() -> Instance| {
        all.extend(Contender::on_threads(
            Table::Server,
            threads,
            name,
            promises,
            make,
        ));
    };
    add(&THREADS, BARE, "nothing", || stack(Handler));
    let whole = "metrics, trace, boundary, ledger, catch-panic, deadline, queue";
    add(&THREADS, "resilience, the server stack", whole, || {
        let layer = resilience::server("bench")
            .default_deadline(SECOND)
            .build()
            .unwrap();
        stack(ServiceBuilder::new().layer(layer).service(Handler))
    });
    add(&[1], "resilience, switched off", "nothing", || {
        let layer = resilience::server("bench").enabled(false).build().unwrap();
        stack(ServiceBuilder::new().layer(layer).service(Handler))
    });
    add(&THREADS, "tower", "load shed, limit, timeout", || {
        let layers = ServiceBuilder::new().load_shed().concurrency_limit(256);
        stack(layers.timeout(SECOND).service(Handler))
    });
    all
}

fn stack<S>(service: S) -> Instance
where
    S: Service<http::Request<bytes::Bytes>> + Clone + Sync + 'static,
{
    drive::instance(service, Expected::Success, get)
}

/// Called as users call it: through [`Client::send`].
fn ours(change: fn(ClientBuilder) -> ClientBuilder) -> Instance {
    let endpoints = Endpoints::parse("http://127.0.0.1:4000,http://127.0.0.1:4001");
    let client = resilience::client("bench")
        .endpoints(endpoints.expect("the URLs are right"))
        .seed(7);
    let client: Client = change(client)
        .build_on(Transport)
        .expect("the numbers are right");
    Box::new(move || {
        // Borrowed by every call, as a client in the caller's own state is.
        let client: &'static Client = Box::leak(Box::new(client.clone()));
        drive::future(Expected::Success, move || client.send(get()))
    })
}

fn without_parts(client: ClientBuilder) -> ClientBuilder {
    client
        .deadline(None)
        .retry(None)
        .breaker(None)
        .bulkhead(None)
        .attempt_timeout(None)
}

fn rival() -> impl Service<http::Request<bytes::Bytes>> + Clone + Sync {
    let breaker = tower_resilience::circuitbreaker::CircuitBreakerLayer::builder()
        .sliding_window_size(100)
        .slow_call_duration_threshold(SECOND)
        .build()
        .expect("the numbers are right");
    ServiceBuilder::new()
        .layer(their_retry())
        .map_err(|error: BoxError| shared(error))
        .map_err(BoxError::from)
        .layer(breaker)
        .map_err(BoxError::from)
        .layer(their_bulkhead())
        .map_err(BoxError::from)
        .layer(their_timeout())
        .service(Transport)
}
