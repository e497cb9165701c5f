//! Breakers per key, in paused time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use proptest::prelude::*;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::BoxError;
use crate::circuit_breaker::{BreakerError, CircuitBreakerConfig, CircuitOpen, State};
use crate::classify::{HttpClassify, Outcome};
use crate::telemetry::Telemetry;

type Call = (&'static str, u16);

fn key(call: &Call) -> String {
    call.0.to_owned()
}

fn layer(maximum: u32) -> KeyedCircuitBreakerLayer<fn(&Call) -> String> {
    KeyedCircuitBreakerLayer::builder("cdn", key as fn(&Call) -> String)
        .config(CircuitBreakerConfig::new().consecutive_failures(2))
        .maximum_keys(maximum)
        .build()
        .unwrap()
}

async fn call(
    layer: &KeyedCircuitBreakerLayer<fn(&Call) -> String>,
    call: Call,
) -> Result<(), CircuitOpen> {
    let dependency = service_fn(async |(_, status): Call| {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Ok::<_, BoxError>(response)
    });
    let result = layer.layer(dependency).oneshot(call).await;
    result
        .map(drop)
        .map_err(|error| *error.downcast::<CircuitOpen>().unwrap())
}

fn names(layer: &KeyedCircuitBreakerLayer<fn(&Call) -> String>) -> Vec<String> {
    let handles = layer.handles();
    handles
        .iter()
        .map(|handle| handle.name().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_bad_key_does_not_close_the_way_to_the_others() {
    let layer = layer(10);
    for _ in 0..2 {
        call(&layer, ("bad", 500)).await.unwrap();
        call(&layer, ("good", 200)).await.unwrap();
    }
    let rejection = call(&layer, ("bad", 200)).await.unwrap_err();
    assert_eq!(rejection.name(), "cdn/bad");
    call(&layer, ("good", 200)).await.unwrap();
    assert_eq!(layer.handle("bad").unwrap().state(), State::Open);
    assert_eq!(layer.handle("good").unwrap().state(), State::Closed);
    assert!(layer.handle("unknown").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_new_key_takes_the_place_of_the_closed_one_unused_for_longest() {
    let layer = layer(2);
    for key in ["a", "b", "a"] {
        call(&layer, (key, 200)).await.unwrap();
    }
    call(&layer, ("c", 200)).await.unwrap();
    assert_eq!(names(&layer), ["cdn/a", "cdn/c"]);
}

#[tokio::test(start_paused = true)]
async fn open_and_steered_breakers_keep_their_places() {
    let layer = layer(2);
    for _ in 0..2 {
        call(&layer, ("open", 500)).await.unwrap();
    }
    call(&layer, ("steered", 200)).await.unwrap();
    layer.handle("steered").unwrap().force_closed();
    for key in ["x", "y"] {
        call(&layer, (key, 500)).await.unwrap();
    }
    assert_eq!(names(&layer), ["cdn/open", "cdn/steered", "cdn/*"]);
    assert_eq!(call(&layer, ("z", 200)).await.unwrap_err().name(), "cdn/*");
}

#[tokio::test(start_paused = true)]
async fn other_rules_reach_breakers_that_are_there_and_those_that_come() {
    let layer = layer(2);
    for _ in 0..2 {
        call(&layer, ("open", 500)).await.unwrap();
    }
    call(&layer, ("known", 500)).await.unwrap();
    let state = |key| layer.handle(key).unwrap().state();

    let wrong = CircuitBreakerConfig::new().consecutive_failures(0);
    let error = layer.reconfigure(&wrong).unwrap_err();
    assert_eq!(error.key(), "consecutive_failures");
    let patient = CircuitBreakerConfig::new().consecutive_failures(3);
    layer.reconfigure(&patient).unwrap();
    assert_eq!(state("open"), State::Open);
    // What was counted before still counts.
    call(&layer, ("known", 500)).await.unwrap();
    assert_eq!(state("known"), State::Closed);
    call(&layer, ("known", 500)).await.unwrap();
    assert_eq!(state("known"), State::Open);

    for _ in 0..3 {
        assert!(
            layer
                .handles()
                .get(2)
                .is_none_or(|it| it.state() == State::Closed)
        );
        call(&layer, ("new", 500)).await.unwrap();
    }
    assert_eq!(names(&layer), ["cdn/open", "cdn/known", "cdn/*"]);
    assert_eq!(layer.handles()[2].state(), State::Open);
    layer.handle("known").unwrap().reset();
    // Nobody looks for a place more often than once a second.
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..3 {
        call(&layer, ("later", 500)).await.unwrap();
    }
    assert_eq!(names(&layer), ["cdn/open", "cdn/later", "cdn/*"]);
    assert_eq!(state("later"), State::Open);
}

#[tokio::test(start_paused = true)]
async fn each_key_is_judged_by_whole_bodies_and_the_error_of_the_service_stays_as_it_is() {
    let layer = KeyedCircuitBreakerLayer::builder("cdn", key as fn(&Call) -> String)
        .config(CircuitBreakerConfig::new().consecutive_failures(1))
        .classify(HttpClassify::server_errors())
        .track_bodies()
        .typed_errors()
        .seed(7)
        .build()
        .unwrap();
    let cdn = layer.layer(service_fn(async |(host, _): Call| {
        if host == "refusing" {
            return Err(BoxError::from("connection refused"));
        }
        let reset = Err::<Frame<Bytes>, BoxError>("connection reset".into());
        let body = StreamBody::new(futures_util::stream::iter([reset]));
        Ok(Response::new(body))
    }));
    let state = |key| layer.handle(key).unwrap().state();
    let answer = cdn.clone().oneshot(("breaking", 200)).await.unwrap();
    assert_eq!(state("breaking"), State::Closed);
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!(state("breaking"), State::Open);

    let failed = cdn.clone().oneshot(("refusing", 0)).await.unwrap_err();
    assert!(matches!(failed, BreakerError::Failed(error) if error.to_string().contains("refused")));
    assert_eq!(state("refusing"), State::Open);
    for (key, name) in [("breaking", "cdn/breaking"), ("refusing", "cdn/refusing")] {
        let rejected = cdn.clone().oneshot((key, 200)).await.unwrap_err();
        assert!(matches!(rejected, BreakerError::Open(open) if open.name() == name));
    }
}

#[test]
fn no_place_at_all_is_a_mistake() {
    let error = KeyedCircuitBreakerLayer::builder("cdn", key as fn(&Call) -> String)
        .maximum_keys(0)
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("maximum_keys"), "{error}");
}

proptest! {
    #[test]
    fn there_are_never_more_breakers_than_places_and_a_shared_one(
        maximum in 1_u32..5,
        calls in prop::collection::vec((0_usize..12, any::<bool>()), 0..80),
    ) {
        let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let layer = layer(maximum);
            for (key, good) in calls {
                let _ = call(&layer, (keys[key], if good { 200 } else { 500 })).await;
                assert!(layer.handles().len() <= maximum as usize + 1);
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_given_up_gives_its_labels_back() {
    let registry = prometheus::Registry::new();
    let layer = KeyedCircuitBreakerLayer::builder("cdn", key as fn(&Call) -> String)
        .maximum_keys(2)
        .telemetry(Telemetry::new(&registry).unwrap())
        .build()
        .unwrap();
    for host in ["a", "b", "c", "a", "d"] {
        call(&layer, (host, 200)).await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let mut exported = BTreeMap::<String, BTreeSet<String>>::new();
    for family in registry.gather() {
        let breakers = exported.entry(family.name().to_owned()).or_default();
        for metric in family.get_metric() {
            let labels = metric.get_label().iter();
            let breaker = labels.filter(|label| label.name() == "breaker");
            breakers.extend(breaker.map(|label| label.value().to_owned()));
        }
    }
    exported.retain(|family, _| family.starts_with("resilience_breaker_"));
    assert_eq!(exported.len(), 4, "{exported:?}");
    for (family, breakers) in exported {
        let breakers: Vec<_> = breakers.into_iter().collect();
        assert_eq!(breakers, ["cdn/a", "cdn/d"], "{family}");
    }
}

/// Regression: every made-up key searched all breakers for one that may go, and drove out one that
/// was in use.
#[tokio::test(start_paused = true)]
async fn a_flood_of_made_up_keys_drives_out_nobody_who_is_in_use() {
    let layer = KeyedCircuitBreakerLayer::builder("cdn", String::clone as fn(&String) -> String)
        .classify(|_: Result<&(), &BoxError>| Outcome::Success)
        .maximum_keys(10)
        .build()
        .unwrap();
    let service = layer.layer(service_fn(async |_: String| Ok::<_, BoxError>(())));
    let call = async |key: String| service.clone().oneshot(key).await.unwrap();
    for round in 0..30 {
        for real in 0..9 {
            call(format!("real-{real}")).await;
        }
        for made_up in 0..1_000 {
            call(format!("made-up-{round}-{made_up}")).await;
        }
        tokio::time::advance(Duration::from_millis(300)).await;
    }
    let names: Vec<_> = layer
        .handles()
        .iter()
        .map(|it| it.name().to_owned())
        .collect();
    assert_eq!(names.len(), 11, "ten and the shared one: {names:?}");
    let real = names.iter().filter(|name| name.starts_with("cdn/real-"));
    assert_eq!(real.count(), 9, "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn many_keys_that_come_at_once_have_their_places_after_a_second() {
    let layer = layer(3);
    for key in ["a", "b", "c", "d", "e", "f"] {
        call(&layer, (key, 200)).await.unwrap();
    }
    assert_eq!(names(&layer), ["cdn/b", "cdn/c", "cdn/d", "cdn/*"]);
    tokio::time::advance(Duration::from_secs(1)).await;
    for key in ["d", "e", "f"] {
        call(&layer, (key, 200)).await.unwrap();
    }
    assert_eq!(names(&layer), ["cdn/d", "cdn/e", "cdn/f", "cdn/*"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_too_long_for_a_label_shares_a_breaker() {
    let layer = layer(3);
    let longest: &'static str = String::leak("x".repeat(256));
    let longer: &'static str = String::leak("x".repeat(257));
    call(&layer, (longest, 200)).await.unwrap();
    call(&layer, (longer, 200)).await.unwrap();
    assert_eq!(
        names(&layer),
        [format!("cdn/{longest}"), "cdn/*".to_owned()]
    );
}
