//! The whole client stack against real servers on loopback that fail in real ways.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use http::{Method, StatusCode};
use resilience::balance::NoEndpoint;
use resilience::ledger::Reason;
use resilience::transport::{TransportError, TransportErrorKind};
use resilience::{BoxError, Client, rejection};
use support::sockets::{Manner, Server, endpoints, refusing_url};
use support::{get, request};

fn client(urls: &[String], seed: u64) -> Client {
    resilience::client("metadata")
        .endpoints(endpoints(urls))
        .attempt_timeout(Duration::from_millis(200))
        .seed(seed)
        .build()
        .unwrap()
}

fn wire_error(error: &BoxError) -> TransportErrorKind {
    TransportError::find(error.as_ref()).unwrap().kind()
}

/// Several calls with several seeds, so that the bad endpoint is the first choice of some:
/// every one succeeds. Returns how often the bad one was asked.
async fn reads_survive(manner: Manner) -> usize {
    let bad = Server::start(manner).await;
    let good = Server::start(Manner::Well).await;
    for seed in 0..8 {
        let client = client(&[bad.url(), good.url()], seed);
        let answer = client.send(get()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.body().bytes().unwrap(), "well");
    }
    assert!(good.requests() >= 8);
    bad.requests()
}

#[tokio::test]
async fn a_death_in_mid_body_is_repeated_on_the_other_endpoint() {
    assert!(reads_survive(Manner::DiesInMidBody).await > 0);
}

#[tokio::test]
async fn a_death_before_the_answer_is_repeated_on_the_other_endpoint() {
    assert!(reads_survive(Manner::DiesBeforeTheAnswer).await > 0);
}

#[tokio::test]
async fn an_answer_of_503_is_repeated_on_the_other_endpoint() {
    assert!(reads_survive(Manner::Status(503)).await > 0);
}

#[tokio::test]
async fn a_hanging_endpoint_costs_one_timeout() {
    assert!(reads_survive(Manner::Hangs).await > 0);
}

#[tokio::test]
async fn a_refused_write_goes_to_the_other_endpoint_without_a_key() {
    let good = Server::start(Manner::Well).await;
    let refusing = refusing_url().await;
    for seed in 0..8 {
        let client = client(&[refusing.clone(), good.url()], seed);
        let answer = client.send(request(Method::POST)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(good.requests(), 8);
}

#[tokio::test]
async fn a_write_whose_bytes_were_sent_is_repeated_only_with_a_key() {
    let dying = Server::start(Manner::DiesBeforeTheAnswer).await;
    let alone = client(&[dying.url()], 1);
    let error = alone.send(request(Method::POST)).await.unwrap_err();
    assert_eq!(wire_error(&error), TransportErrorKind::Reset);
    assert_eq!(rejection::reason(error.as_ref()), Reason::Reset);
    assert_eq!(dying.requests(), 1);

    let mut keyed = request(Method::POST);
    keyed
        .headers_mut()
        .insert("idempotency-key", "7f".parse().unwrap());
    alone.send(keyed).await.unwrap_err();
    assert_eq!(dying.requests(), 1 + 3);
}

#[tokio::test]
async fn nobody_anywhere_is_a_refusal_and_no_endpoint_an_error_of_its_own() {
    let refusing = refusing_url().await;
    let error = client(std::slice::from_ref(&refusing), 1)
        .send(get())
        .await
        .unwrap_err();
    assert_eq!(wire_error(&error), TransportErrorKind::Refused);
    assert_eq!(rejection::reason(error.as_ref()), Reason::Refused);
    let endpoint = TransportError::find(error.as_ref())
        .unwrap()
        .endpoint()
        .to_owned();
    assert_eq!(format!("http://{endpoint}"), refusing);

    let error = client(&[], 1).send(get()).await.unwrap_err();
    assert_eq!(rejection::reason(error.as_ref()), Reason::NoEndpoint);
    assert!(error.is::<NoEndpoint>());
}

#[tokio::test]
async fn a_connection_whose_server_died_in_between_is_no_obstacle() {
    let first = Server::start(Manner::Well).await;
    let second = Server::start(Manner::Well).await;
    let client = client(&[first.url(), second.url()], 3);
    for _ in 0..20 {
        client.send(get()).await.unwrap();
    }
    assert!(first.requests() > 0 && second.requests() > 0);
    drop(first);
    for _ in 0..20 {
        let answer = client.send(get()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_larger_than_the_limit_streams() {
    let size = 3 * 1024 * 1024;
    let server = Server::start(Manner::Large(size)).await;
    let answer = client(&[server.url()], 1).send(get()).await.unwrap();
    assert!(answer.body().bytes().is_none());
    let content = answer.into_body().into_bytes().await.unwrap();
    assert_eq!(content.len(), size);
}

#[tokio::test]
async fn switched_off_it_takes_turns_and_repeats_nothing() {
    let good = Server::start(Manner::Well).await;
    let dying = Server::start(Manner::DiesInMidBody).await;
    let bare = resilience::client("metadata")
        .endpoints(endpoints(&[good.url(), dying.url()]))
        .enabled(false)
        .build()
        .unwrap();
    let mut succeeded = 0;
    for _ in 0..10 {
        succeeded += usize::from(bare.send(get()).await.is_ok());
    }
    assert_eq!((succeeded, good.requests(), dying.requests()), (5, 5, 5));
}
