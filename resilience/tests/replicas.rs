//! The whole client stack in front of replicas that fail in their ways, in paused time.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use futures_util::future::join_all;
use http::{Method, StatusCode};
use resilience::Client;
use resilience::telemetry::{Event, Telemetry};
use support::{Behaviour, Network, get, metadata, request};
use tokio::sync::broadcast::Receiver;

/// Sends `calls` reads, one each `gap`, each in its own task; returns how many succeeded.
async fn send_steadily(client: &Client, calls: usize, gap: Duration) -> usize {
    let mut under_way = Vec::with_capacity(calls);
    for _ in 0..calls {
        let client = client.clone();
        under_way.push(tokio::spawn(async move { client.send(get()).await }));
        tokio::time::sleep(gap).await;
    }
    let answers = join_all(under_way).await;
    let is_success = |answer: &Result<_, _>| matches!(answer, Ok(Ok(response)) if is_ok(response));
    answers.iter().filter(|answer| is_success(answer)).count()
}

fn is_ok<B>(response: &http::Response<B>) -> bool {
    response.status() == StatusCode::OK
}

fn transitions(events: &mut Receiver<Event>) -> Vec<Event> {
    let mut transitions = Vec::new();
    while let Ok(event) = events.try_recv() {
        if matches!(event, Event::BreakerTransition { .. }) {
            transitions.push(event);
        }
    }
    transitions
}

/// One of two replicas fails in its way while reads come at a rate: every read succeeds, and
/// the breaker of the service never opens.
async fn one_bad_replica_of_two(bad: Behaviour, seeds: u64) {
    for (calls, gap_ms) in [(40, 4_000), (80, 1_000), (200, 100), (800, 5)] {
        for seed in 0..seeds {
            let network = Network::new([bad, Behaviour::Well(3)]);
            let telemetry = Telemetry::default();
            let mut events = telemetry.subscribe();
            let client = metadata(&network)
                .seed(seed)
                .telemetry(telemetry)
                .build_on(network.transport())
                .unwrap();
            let gap = Duration::from_millis(gap_ms);
            let succeeded = send_steadily(&client, calls, gap).await;
            let what = format!("{bad:?}, one call each {gap_ms} ms, seed {seed}");
            assert_eq!(succeeded, calls, "{what}");
            assert_eq!(transitions(&mut events), [], "{what}");
            assert!(
                network.received(0) <= calls / 2,
                "{what}: {}",
                network.received(0)
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_black_holed_replica_of_two_never_opens_the_breaker() {
    one_bad_replica_of_two(Behaviour::BlackHole, 6).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusing_replica_of_two_never_opens_the_breaker() {
    one_bad_replica_of_two(Behaviour::Refuses, 6).await;
}

#[tokio::test(start_paused = true)]
async fn a_resetting_replica_of_two_never_opens_the_breaker() {
    one_bad_replica_of_two(Behaviour::Resets, 6).await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_replica_of_two_never_opens_the_breaker() {
    one_bad_replica_of_two(Behaviour::Status(500), 6).await;
}

/// As a pause does: the replica is well, hangs in the middle of the traffic, and is well again.
#[tokio::test(start_paused = true)]
async fn a_paused_replica_is_ejected_after_few_timeouts_and_comes_back() {
    for seed in 0..6 {
        let network = Network::new([Behaviour::Well(3), Behaviour::Well(3)]);
        let telemetry = Telemetry::default();
        let mut events = telemetry.subscribe();
        let client = metadata(&network)
            .seed(seed)
            .telemetry(telemetry)
            .build_on(network.transport())
            .unwrap();
        let gap = Duration::from_millis(5);
        assert_eq!(send_steadily(&client, 400, gap).await, 400);

        network.set(0, Behaviour::BlackHole);
        let before = network.received(0);
        let wide = Duration::from_millis(20);
        assert_eq!(send_steadily(&client, 2_000, wide).await, 2_000);
        let swallowed = network.received(0) - before;
        assert!(swallowed <= 12, "{swallowed} calls hung (seed {seed})");

        network.set(0, Behaviour::Well(3));
        let before = network.received(0);
        assert_eq!(send_steadily(&client, 2_000, wide).await, 2_000);
        let back = network.received(0) - before;
        assert!(
            back > 400,
            "only {back} of 4000 calls after the return (seed {seed})"
        );

        let mut ejected = 0;
        let mut returned = 0;
        while let Ok(event) = events.try_recv() {
            match event {
                Event::EndpointEjected { .. } => ejected += 1,
                Event::EndpointReturned { .. } => returned += 1,
                Event::BreakerTransition { .. } => panic!("{event:?} (seed {seed})"),
                _ => {}
            }
        }
        assert!(
            ejected >= 1 && returned == 1,
            "{ejected} {returned} (seed {seed})"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_everywhere_opens_the_breaker() {
    let network = Network::new([Behaviour::Refuses, Behaviour::Refuses]);
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let client = metadata(&network)
        .telemetry(telemetry)
        .build_on(network.transport())
        .unwrap();
    assert_eq!(
        send_steadily(&client, 100, Duration::from_millis(10)).await,
        0
    );
    assert!(!transitions(&mut events).is_empty());
    let received = network.received(0) + network.received(1);
    assert!(
        received < 100,
        "{received} attempts of 100 calls got through"
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_without_a_key_survives_a_refusal_and_not_a_reset() {
    for seed in 0..6 {
        let refusing = Network::new([Behaviour::Refuses, Behaviour::Well(3)]);
        let client = metadata(&refusing)
            .seed(seed)
            .build_on(refusing.transport())
            .unwrap();
        for _ in 0..20 {
            let answer = client.send(request(Method::POST)).await.unwrap();
            assert_eq!(answer.body().bytes().unwrap(), "r1:80");
        }
    }
    let resetting = Network::new([Behaviour::Resets]);
    let client = metadata(&resetting)
        .build_on(resetting.transport())
        .unwrap();
    client.send(request(Method::POST)).await.unwrap_err();
    assert_eq!(resetting.received(0), 1);
}
