use std::time::Duration;

use prometheus::Registry;

use super::{BreakerState, Event, MAXIMUM_SERIES, Telemetry, names};

#[test]
fn every_family_is_registered_under_its_documented_name() {
    let registry = Registry::new();
    let telemetry = Telemetry::new(&registry).unwrap();
    for definition in names::ALL {
        let labels = vec!["x"; definition.labels.len()];
        match definition.kind {
            names::Kind::Counter => telemetry.counter(definition, &labels).increment(),
            names::Kind::Gauge => telemetry.gauge(definition, &labels).set(1),
            names::Kind::Histogram => telemetry
                .histogram(definition, &labels)
                .observe(Duration::from_millis(3)),
        }
    }
    let mut exported: Vec<String> = registry
        .gather()
        .iter()
        .map(|family| family.name().to_owned())
        .collect();
    exported.sort();
    let mut documented: Vec<String> = names::ALL
        .iter()
        .map(|definition| definition.name.to_owned())
        .collect();
    documented.sort();
    assert_eq!(exported, documented);
    let page = include_str!("names.rs");
    for name in documented {
        assert!(page.contains(&format!("//! | `{name}` |")), "{name}");
    }
}

#[test]
fn a_second_telemetry_on_one_registry_is_an_error() {
    let registry = Registry::new();
    let _first = Telemetry::new(&registry).unwrap();
    assert!(Telemetry::new(&registry).is_err());
}

#[test]
fn entering_a_state_zeroes_the_one_before() {
    let telemetry = Telemetry::default();
    let states = telemetry.states(&names::BREAKER_STATE, "metadata", &BreakerState::NAMES);
    let value = |state| {
        telemetry
            .gauge(&names::BREAKER_STATE, &["metadata", state])
            .value()
    };
    states.set("closed");
    assert_eq!(
        (value("closed"), value("open"), value("half-open")),
        (1, 0, 0)
    );
    states.set("open");
    assert_eq!(
        (value("closed"), value("open"), value("half-open")),
        (0, 1, 0)
    );
}

#[test]
fn label_sets_beyond_the_bound_count_as_other() {
    let telemetry = Telemetry::default();
    for number in 0..MAXIMUM_SERIES + 10 {
        telemetry
            .counter(&names::TIMEOUTS, &[&format!("client-{number}")])
            .increment();
    }
    assert_eq!(telemetry.counter(&names::TIMEOUTS, &["other"]).value(), 10);
    assert_eq!(
        telemetry.counter(&names::TIMEOUTS, &["client-0"]).value(),
        1
    );
}

#[test]
fn a_handle_with_the_wrong_number_of_labels_counts_nothing() {
    let telemetry = Telemetry::default();
    let counter = telemetry.counter(&names::TIMEOUTS, &["a", "b"]);
    counter.increment();
    assert_eq!(counter.value(), 0);
}

#[test]
fn events_are_json_objects_tagged_by_kind() {
    let event = Event::EndpointEjected {
        client: "metadata".into(),
        endpoint: "http://127.0.0.1:4000".into(),
        for_ms: 500,
    };
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "event": "endpointEjected",
            "client": "metadata",
            "endpoint": "http://127.0.0.1:4000",
            "forMs": 500
        })
    );
    assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
}

#[tokio::test]
async fn a_subscriber_gets_what_is_emitted_after_it_came() {
    let telemetry = Telemetry::default();
    let transition = Event::BreakerTransition {
        client: "metadata".into(),
        from: BreakerState::Closed,
        to: BreakerState::Open,
        reason: "6 of 10 calls failed".into(),
    };
    telemetry.emit(Event::RetryBudgetExhausted {
        client: "early".into(),
    });
    let mut events = telemetry.subscribe();
    telemetry.clone().emit(transition.clone());
    assert_eq!(events.recv().await.unwrap(), transition);
}

#[test]
fn a_tracked_gauge_falls_when_the_guard_is_dropped() {
    let telemetry = Telemetry::default();
    let gauge = telemetry.gauge(&names::SERVER_IN_FLIGHT, &["gateway"]);
    let guard = gauge.track();
    assert_eq!(gauge.value(), 1);
    drop(guard);
    assert_eq!(gauge.value(), 0);
}

#[test]
fn a_gauge_beyond_the_bound_is_not_mixed_up_with_others() {
    let registry = Registry::new();
    let telemetry = Telemetry::new(&registry).unwrap();
    let machine = |number: usize| {
        let name = format!("breaker-{number}");
        telemetry.states(&names::BREAKER_STATE, &name, &BreakerState::NAMES)
    };
    let machines: Vec<_> = (0..MAXIMUM_SERIES).map(machine).collect();
    for machine in &machines {
        machine.set("open");
    }
    let families = registry.gather();
    let states = families
        .iter()
        .find(|family| family.name() == names::BREAKER_STATE.name)
        .unwrap();
    let metrics = states.get_metric();
    assert_eq!(metrics.len(), MAXIMUM_SERIES);
    for metric in metrics {
        let labels = metric.get_label();
        let is_open = labels.iter().any(|label| label.value() == "open");
        assert!(labels.iter().all(|label| label.value() != "other"));
        let value = metric.get_gauge().get_value();
        assert!((value - f64::from(u8::from(is_open))).abs() < 0.01);
    }
}

#[test]
fn what_is_forgotten_makes_room() {
    let registry = Registry::new();
    let telemetry = Telemetry::new(&registry).unwrap();
    for number in 0..MAXIMUM_SERIES * 2 {
        let name = format!("client-{number}");
        telemetry.counter(&names::TIMEOUTS, &[&name]).increment();
        telemetry.forget(&names::TIMEOUTS, &name);
    }
    assert_eq!(telemetry.counter(&names::TIMEOUTS, &["other"]).value(), 0);
    telemetry.forget(&names::TIMEOUTS, "other");
    let families = registry.gather();
    let is_there = |family: &&prometheus::proto::MetricFamily| {
        family.name() == names::TIMEOUTS.name && !family.get_metric().is_empty()
    };
    assert!(!families.iter().any(|family| is_there(&family)));
}

#[tokio::test]
async fn what_nobody_hears_is_not_made() {
    let telemetry = Telemetry::default();
    telemetry.tell(|| panic!("made without anybody to hear it"));
    let mut events = telemetry.subscribe();
    let hedged = || Event::Hedged {
        client: "metadata".into(),
    };
    telemetry.tell(hedged);
    assert_eq!(events.recv().await.unwrap(), hedged());
}
