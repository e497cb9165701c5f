use std::time::Duration;

use config::{Config, File, FileFormat};
use serde_json::json;

use super::*;
use crate::circuit_breaker::State;

fn read(file: &serde_json::Value, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables: config::Map<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let sources = Config::builder()
        .add_source(File::from_str(&file.to_string(), FileFormat::Json))
        .add_source(environment("MESH").source(Some(variables)))
        .build()
        .unwrap();
    Settings::read(sources)
}

#[track_caller]
fn mistake(file: &serde_json::Value, path: &str, says: &str) {
    let error = read(file, &[]).unwrap_err();
    let mistake = &error.mistakes()[0];
    assert_eq!(mistake.path(), path, "{error}");
    assert!(mistake.message().contains(says), "{error}");
}

#[test]
fn the_environment_speaks_after_the_file() {
    let file = json!({"clients": {"metadata": {
        "deadline": "1s",
        "attempt_timeout": "250ms",
        "retry": {"maximum_attempts": 4, "budget": {"ratio": 0.1, "minimum_per_second": 5}},
        "breaker": {"window_calls": 50, "slow_calls": {"threshold": "200ms", "rate": 0.5}},
        "balance": {"consecutive_failures": 5},
    }}, "servers": {"gateway": {"queue": {"length": 10, "wait": "50ms"}}}});
    let variables = [
        ("MESH_CLIENTS__METADATA__RETRY__MAXIMUM_ATTEMPTS", "2"),
        ("MESH_CLIENTS__METADATA__WEIGHT", "0.5"),
        ("MESH_CLIENTS__METADATA__DEADLINE", "none"),
        ("MESH_CLIENTS__METADATA__BULKHEAD__ENABLED", "false"),
        ("OTHER_CLIENTS__METADATA__WEIGHT", "7"),
    ];
    let settings = read(&file, &variables).unwrap();
    let metadata = &settings.clients["metadata"];
    let retry = metadata.retry.as_ref().unwrap();
    assert_eq!(retry.maximum_attempts, Some(2));
    assert_eq!(retry.budget.unwrap().minimum_per_second, 5);
    assert_eq!(metadata.weight, Some(0.5));
    assert_eq!(metadata.deadline, Some(Limit(None)));
    let timeout = Limit(Some(Duration::from_millis(250)));
    assert_eq!(metadata.attempt_timeout, Some(timeout));
    assert_eq!(metadata.bulkhead.as_ref().unwrap().enabled, Some(false));
    assert!(settings.client("metadata").build().is_ok());
    assert!(settings.client("never-mentioned").build().is_ok());
    assert!(settings.server("gateway").build().is_ok());

    let again: Settings = serde_json::from_value(serde_json::to_value(&settings).unwrap()).unwrap();
    assert_eq!(again, settings);
}

#[test]
fn a_mistake_comes_with_its_path() {
    let client = |settings: serde_json::Value| json!({"clients": {"metadata": settings}});
    mistake(
        &client(json!({"deadline": "soon"})),
        "clients.metadata.deadline",
        "like `500ms`",
    );
    mistake(
        &client(json!({"deadline": 5})),
        "clients.metadata.deadline",
        "like `500ms`",
    );
    mistake(
        &client(json!({"retry": {"maximum_atempts": 3}})),
        "clients.metadata.retry.maximum_atempts",
        "expected one of",
    );
    mistake(
        &client(json!({"retry": {"maximum_attempts": -3}})),
        "clients.metadata.retry.maximum_attempts",
        "",
    );
    mistake(
        &client(json!({"breaker": {"window_calls": 5, "window_time": "5s"}})),
        "clients.metadata.breaker.window_calls",
        "window_time",
    );
    mistake(&json!({"client": {}}), "client", "expected");
}

#[test]
fn what_a_part_cannot_work_with_is_found_in_every_client() {
    let file = json!({"clients": {
        "auth": {"retry": {"maximum_attempts": 0}},
        "metadata": {"weight": 1.5},
        "playback": {"bulkhead": {"maximum_in_flight": 0}},
        "recommendations": {"breaker": {"failure_rate": 140.0}},
        "sound": {},
    }});
    let error = read(&file, &[]).unwrap_err();
    let paths: Vec<&str> = error.mistakes().iter().map(Mistake::path).collect();
    assert_eq!(
        paths,
        [
            "clients.auth.retry.maximum_attempts",
            "clients.metadata.weight",
            "clients.playback.bulkhead.maximum_in_flight",
            "clients.recommendations.breaker.failure_rate",
        ]
    );
}

#[test]
fn what_a_server_cannot_work_with_is_found() {
    let file = json!({
        "clients": {"auth": {"retry": {"maximum_attempts": 0}, "breaker": {"failure_rate": 2.0}}},
        "servers": {"gateway": {
            "max_in_flight": 0,
            "adaptive": {"minimum": 9, "maximum": 3},
            "rate_limit": {"requests": 10, "period": "0s"},
        }},
    });
    let error = read(&file, &[]).unwrap_err();
    let paths: Vec<&str> = error.mistakes().iter().map(Mistake::path).collect();
    assert_eq!(
        paths,
        [
            "clients.auth.retry.maximum_attempts",
            "clients.auth.breaker.failure_rate",
            "servers.gateway.max_in_flight",
            "servers.gateway.adaptive.bounds",
            "servers.gateway.rate_limit.period",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_can_be_set() {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http::Request;
    use tower::ServiceExt;

    let limit = json!({"requests": 1, "period": "1min", "header": "x-user"});
    let file = json!({"servers": {"gateway": {"rate_limit": limit}}});
    let settings = read(&file, &[]).unwrap();
    let router = Router::new()
        .route("/", get(async || ()))
        .layer(settings.server("gateway").build().unwrap());
    let mut statuses = Vec::new();
    for user in ["7", "7", "8"] {
        let request = Request::get("/").header("x-user", user);
        let request = request.body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 429, 200]);
}

#[test]
fn ejection_can_be_set() {
    let client =
        |balance: serde_json::Value| json!({"clients": {"metadata": {"balance": balance}}});
    let file = client(json!({
        "success_rate": {"interval": "5s", "minimum_calls": 20, "deviations": 2.0},
        "maximum_ejected": 0.25,
        "panic_below": 0.3,
        "ejection": {"first": "2s", "maximum": "1min"},
    }));
    let settings = read(&file, &[]).unwrap();
    assert!(settings.client("metadata").build().is_ok());
    let off = json!({"success_rate": {"enabled": false}, "consecutive_failures": "none"});
    let off = read(&client(off), &[]).unwrap();
    assert!(off.client("metadata").build().is_ok());

    mistake(
        &client(json!({"maximum_ejected": 7.0})),
        "clients.metadata.balance.maximum_ejected",
        "is 7: expected above 0 to 1",
    );
    mistake(
        &client(json!({"success_rate": {"deviation": 2.0}})),
        "clients.metadata.balance.success_rate.deviation",
        "expected one of",
    );
}

#[test]
fn what_follows_the_latencies_can_be_set_and_mistakes_are_named() {
    let file = json!({"clients": {"metadata": {
        "caller": "gateway",
        "coalesce": true,
        "semantic_metrics": true,
        "hedge": {"delay": "100ms", "quantile": 0.95, "budget": {"ratio": 0.1, "minimum_per_second": 1}},
        "adaptive_timeout": {"quantile": 0.99, "factor": 2.0, "minimum": "20ms"},
        "bulkhead": {"adaptive": {"latency": "50ms", "maximum": 200}},
    }}, "servers": {"gateway": {"adaptive": {"minimum": 16}, "semantic_metrics": true}}});
    let settings = read(&file, &[]).unwrap();
    assert!(settings.client("metadata").build().is_ok());
    assert!(settings.server("gateway").build().is_ok());

    let file = json!({"clients": {"metadata": {"adaptive_timeout": {"quantile": 1.0}}}});
    mistake(
        &file,
        "clients.metadata.adaptive_timeout.quantile",
        "more than 0 and less than 1",
    );
    let file = json!({"clients": {"metadata": {"hedge": {"quantile": 0.9}}}});
    mistake(
        &file,
        "clients.metadata.hedge",
        "clients.metadata.hedge.delay",
    );
}

#[test]
fn every_mistake_comes_at_once() {
    let file = json!({
        "clients": {
            "metadata": {
                "deadline": "soon",
                "retry": {"maximum_atempts": 3, "backoff": {"base": "quick", "maximum": "1s"}},
                "breaker": {"failure_rate": 7.0, "minimum_calls": 0, "probes": "many"},
                "balance": {"maximum_ejected": 0.0, "decay": "0s"},
            },
            "play.back": {"endpoints": "playback:80", "weight": 2.0},
        },
        "servers": {"gateway": {"boundary": "inside", "queue": {"lenght": 3}, "max_in_flight": 0}},
        "keyed_breakers": {
            "host": {"maximum_keys": 0, "rules": {"failure_rate": 0.0, "stalled_after": "never"}},
            "path": {"rules": {"enabled": false, "stalled_after": "0s"}},
        },
        "client": {},
    });
    let error = read(&file, &[]).unwrap_err();
    let mut paths: Vec<&str> = error.mistakes().iter().map(Mistake::path).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "client",
            "clients.metadata.balance.decay",
            "clients.metadata.balance.maximum_ejected",
            "clients.metadata.breaker.failure_rate",
            "clients.metadata.breaker.minimum_calls",
            "clients.metadata.breaker.probes",
            "clients.metadata.deadline",
            "clients.metadata.retry.backoff.base",
            "clients.metadata.retry.maximum_atempts",
            "clients.play.back.endpoints",
            "clients.play.back.weight",
            "keyed_breakers.host.maximum_keys",
            "keyed_breakers.host.rules.failure_rate",
            "keyed_breakers.host.rules.stalled_after",
            "keyed_breakers.path.rules.enabled",
            "keyed_breakers.path.rules.stalled_after",
            "servers.gateway.boundary",
            "servers.gateway.max_in_flight",
            "servers.gateway.queue.lenght",
        ],
        "{error}"
    );
}

#[test]
fn what_is_said_twice_or_means_nothing_alone_is_a_mistake() {
    let client = |settings: serde_json::Value| json!({"clients": {"metadata": settings}});
    for (settings, path) in [
        (
            json!({"breaker": {"window_calls": 50, "window_buckets": 5}}),
            "breaker.window_calls",
        ),
        (
            json!({"hedge": {"delay": "1s", "minimum_samples": 5}}),
            "hedge.minimum_samples",
        ),
        (
            json!({"bulkhead": {"adaptive": {"latency": "1s", "remeasure_every": "9s"}}}),
            "bulkhead.adaptive.remeasure_every",
        ),
        (
            json!({"endpoints": "http://a:1", "dns": {"host": "a", "port": 1}}),
            "endpoints",
        ),
        (
            json!({"attempt_timeout": "none", "adaptive_timeout": {"quantile": 0.9}}),
            "adaptive_timeout",
        ),
    ] {
        mistake(
            &client(settings),
            &format!("clients.metadata.{path}"),
            "stands",
        );
    }
}

/// A client and a server that set every key there is: whatever is added has to be set here, too.
fn everything() -> serde_json::Value {
    json!({
        "clients": {
            "metadata": {
                "enabled": true,
                "endpoints": "http://a:1,http://b:2",
                "connect_timeout": "200ms",
                "deadlines": true,
                "deadline": "1s",
                "reserve": "5ms",
                "attempt_timeout": "250ms",
                "adaptive_timeout": {
                    "quantile": 0.99, "window": "1min", "minimum_samples": 20, "factor": 2.0,
                    "minimum": "5ms",
                },
                "body_idle": "20s",
                "weight": 0.5,
                "caller": "gateway",
                "coalesce": true,
                "collect": 65536,
                "propagate": true,
                "success_metrics": true,
                "semantic_metrics": true,
                "seed": 7,
                "hedge": {
                    "delay": "100ms", "quantile": 0.95, "window": "1min", "minimum_samples": 20,
                    "maximum_hedges": 2, "shortest_attempt": "10ms",
                    "budget": {"ratio": 0.1, "minimum_per_second": 2},
                },
                "retry": {
                    "enabled": true, "maximum_attempts": 4,
                    "backoff": {"kind": "decorrelated", "base": "10ms", "maximum": "1s"},
                    "longest_wait": "10s", "statuses": [502, 503], "shortest_attempt": "10ms",
                    "budget": {"ratio": 0.1, "minimum_per_second": 2},
                },
                "breaker": {
                    "enabled": true, "failure_rate": 0.4, "minimum_calls": 10,
                    "window_time": "20s", "window_buckets": 5,
                    "slow_calls": {"threshold": "200ms", "rate": 0.5},
                    "consecutive_failures": 8, "ramp": "5s", "stalled_after": "30s",
                    "backoff": {"kind": "linear", "base": "1s", "maximum": "10s"},
                    "probes": 2, "half_open_deadline": "3s",
                },
                "bulkhead": {
                    "enabled": true, "maximum_in_flight": 32, "queue_length": 16,
                    "queue_wait": "50ms", "lifo_after": "1s",
                    "queue_delay": {"target": "10ms", "interval": "100ms"}, "by_priority": true,
                    "adaptive": {"minimum": 2, "maximum": 90, "window": "200ms", "remeasure_every": "1min"},
                },
                "balance": {
                    "enabled": true, "decay": "2s", "failure_penalty": "100ms",
                    "unanswered_after": "100ms", "consecutive_failures": 4,
                    "success_rate": {
                        "enabled": true, "interval": "5s", "minimum_endpoints": 4,
                        "minimum_calls": 20, "deviations": 2.0,
                    },
                    "maximum_ejected": 0.25, "panic_below": 0.3,
                    "ejection": {"first": "2s", "maximum": "1min"}, "slow_start": "5s",
                },
                "fallback": {"last_good": {
                    "capacity": 10, "maximum_bytes": 1000, "maximum_age": "1min", "share": 0.5,
                    "revalidate": {"fresh_for": "1s", "stale_for": "5s"},
                }},
            },
            "named": {"dns": {"host": "localhost", "port": 80, "interval": "1s", "time_limit": "1s"}},
        },
        "servers": {"gateway": {
            "enabled": true, "boundary": "internal", "max_in_flight": 64,
            "adaptive": {"latency": "50ms", "minimum": 2, "maximum": 90, "window": "200ms"},
            "semantic_metrics": true,
            "queue": {
                "length": 8, "wait": "20ms", "lifo_after": "none",
                "delay": {"target": "10ms", "interval": "100ms"},
            },
            "retry_after": "2s",
            "rate_limit": {
                "requests": 10, "period": "1s", "burst": 20, "header": "x-user",
                "maximum_keys": 100,
            },
            "deadlines": true, "catch_panics": true, "default_deadline": "5s", "reserve": "5ms",
            "exempt": ["/livez"],
        }},
        "keyed_breakers": {"host": {"maximum_keys": 20, "rules": {"probes": 2}}},
        "faults": {"metadata": {"enabled": true, "seed": 7, "key_file": "Cargo.toml"}},
    })
}

#[tokio::test]
async fn everything_can_be_set() {
    let settings = read(&everything(), &[]).unwrap();
    let metadata = settings.client("metadata").build().unwrap();
    assert_eq!(metadata.endpoints().len(), 2);
    assert!(metadata.bulkhead().unwrap().status().is_adaptive);
    assert!(metadata.hedge_budget().is_some());
    assert!(settings.client("named").build().is_ok());
    let server = settings.server("gateway").build().unwrap();
    assert_eq!(server.limit().unwrap().status().limit, 8);
    assert!(server.rate_limit().is_some());
    // The manifest is long enough to be a key.
    assert!(settings.faults("metadata").unwrap().is_some());
    assert!(settings.faults("playback").unwrap().is_none());
    let keyed = KeyedCircuitBreakerLayer::builder("host", |(): &()| String::new());
    assert!(settings.keyed_breaker(keyed).build().is_ok());

    let again: Settings = serde_json::from_value(serde_json::to_value(&settings).unwrap()).unwrap();
    assert_eq!(again, settings);
    // Nothing was left out: an absent key is a null.
    let text = serde_json::to_string(&settings.clients["metadata"]).unwrap();
    let unset = text.matches("null").count();
    assert_eq!(
        unset, 3,
        "`dns`, `window_calls` and `latency` exclude others: {text}"
    );
}

/// A body that nothing comes of.
fn silence() -> impl http_body::Body<Data = bytes::Bytes, Error = crate::BoxError> {
    http_body_util::StreamBody::new(futures_util::stream::pending())
}

#[tokio::test(start_paused = true)]
async fn when_a_body_has_stalled_can_be_set_and_taken_away() {
    use http_body_util::BodyExt;

    for (stalled_after, is_open) in [("3s", true), ("1min", false), ("none", false)] {
        let rules = json!({"consecutive_failures": 1, "stalled_after": stalled_after});
        let file = json!({"clients": {"metadata": {"breaker": rules, "collect": "none"}}});
        let settings = read(&file, &[]).unwrap();
        let client = settings
            .client("metadata")
            .endpoints(crate::balance::Endpoints::parse("http://r0:80").unwrap())
            .build_on(tower::service_fn(async |_: http::Request<bytes::Bytes>| {
                Ok::<_, crate::BoxError>(http::Response::new(silence()))
            }))
            .unwrap();
        let answer = client.send(http::Request::default()).await.unwrap();
        let patience = Duration::from_secs(30);
        let mut body = answer.into_body();
        let part = tokio::time::timeout(patience, body.frame()).await;
        assert!(part.is_err(), "{part:?}");
        let state = client.breaker().unwrap().state();
        assert_eq!(state == State::Open, is_open, "{stalled_after}");
    }
    let stalled = json!({"clients": {"metadata": {"breaker": {"stalled_after": "0s"}}}});
    let path = "clients.metadata.breaker.stalled_after";
    mistake(&stalled, path, "more than 0 s");
    let stalled = json!({"clients": {"metadata": {"breaker": {"stalled_after": 20}}}});
    mistake(&stalled, path, "or `none`");
}

#[tokio::test(start_paused = true)]
async fn settings_that_are_read_again_reach_breakers_of_keys_that_run() {
    let host = |host: &&'static str| (*host).to_owned();
    let keyed = |rules: serde_json::Value| {
        let file = json!({"keyed_breakers": {"cdn": rules}});
        read(&file, &[]).unwrap().keyed_breakers["cdn"].clone()
    };
    let first = json!({"cdn": {"maximum_keys": 7, "rules": {"consecutive_failures": 2}}});
    let settings = read(&json!({ "keyed_breakers": first }), &[]).unwrap();
    let layer = settings
        .keyed_breaker(KeyedCircuitBreakerLayer::builder("cdn", host))
        .build()
        .unwrap();
    let cdn = tower::Layer::layer(
        &layer,
        tower::service_fn(async |_: &'static str| {
            Err::<http::Response<()>, _>(crate::BoxError::from("no route"))
        }),
    );
    let fail = async |host| {
        let result = tower::ServiceExt::oneshot(cdn.clone(), host).await;
        assert!(result.is_err());
        layer.handle(host).unwrap().state()
    };
    assert_eq!(fail("edge-1").await, State::Closed);

    let again = keyed(json!({"maximum_keys": 7, "rules": {"consecutive_failures": 3}}));
    again.put_in_force(&layer.breakers()).unwrap();
    assert_eq!(fail("edge-1").await, State::Closed);
    assert_eq!(fail("edge-1").await, State::Open);
    for expected in [State::Closed, State::Closed, State::Open] {
        assert_eq!(fail("edge-2").await, expected);
    }

    let refused = |rules| {
        let wrong: KeyedBreakerSettings = serde_json::from_value(rules).unwrap();
        wrong.put_in_force(&layer.breakers()).unwrap_err()
    };
    let mistake = refused(json!({"maximum_keys": 8}));
    assert_eq!(mistake.path(), "maximum_keys");
    assert!(mistake.message().contains("the 7"), "{mistake}");
    let mistake = refused(json!({"rules": {"failure_rate": 0.0}}));
    assert_eq!(mistake.path(), "rules.failure_rate");
    let mistake = refused(json!({"rules": {"window_calls": 5, "window_time": "5s"}}));
    assert_eq!(mistake.path(), "rules.window_calls");
}

#[test]
fn every_part_can_be_set_to_nothing() {
    let off = json!({"enabled": false});
    let file = json!({
        "clients": {"metadata": {
            "deadlines": false, "attempt_timeout": "none", "body_idle": "none", "collect": "none",
            "propagate": false, "success_metrics": false, "connect_timeout": "none",
            "retry": off, "breaker": off, "bulkhead": off, "balance": off,
        }},
        "servers": {"gateway": {
            "max_in_flight": "none", "deadlines": false, "catch_panics": false,
        }},
        "faults": {"metadata": off},
    });
    let settings = read(&file, &[]).unwrap();
    let metadata = settings.client("metadata").build().unwrap();
    assert!(metadata.breaker().is_none() && metadata.bulkhead().is_none());
    assert!(metadata.retry_budget().is_none() && metadata.endpoints().is_empty());
    assert!(
        settings
            .server("gateway")
            .build()
            .unwrap()
            .limit()
            .is_none()
    );
    assert!(settings.faults("metadata").unwrap().is_none());
}

#[test]
fn a_key_file_that_is_not_there_is_named() {
    let file = json!({"faults": {"metadata": {"key_file": "there-is-no-such-file"}}});
    let settings = read(&file, &[]).unwrap();
    let mistake = settings.faults("metadata").unwrap_err();
    assert_eq!(mistake.path(), "faults.metadata.key_file");
    assert!(
        mistake.message().contains("there-is-no-such-file"),
        "{mistake}"
    );
}

#[test]
fn numbers_and_statuses_that_cannot_be_say_what_could() {
    let client = |settings: serde_json::Value| json!({"clients": {"metadata": settings}});
    let collect = "clients.metadata.collect";
    for wrong in [
        json!(-1),
        json!(4_294_967_296_u64),
        json!("all"),
        json!("-1"),
        json!(true),
    ] {
        mistake(&client(json!({"collect": wrong})), collect, "or `none`");
    }
    for wrong in [json!(99), json!(1_000)] {
        mistake(
            &client(json!({"retry": {"statuses": [503, wrong]}})),
            "clients.metadata.retry.statuses.1",
            "a status of HTTP, 100 to 999",
        );
    }
}

#[test]
fn numbers_of_the_environment_are_read_as_those_of_files_are() {
    let variables = [
        (
            "MESH_CLIENTS__METADATA__BALANCE__CONSECUTIVE_FAILURES",
            "none",
        ),
        ("MESH_CLIENTS__METADATA__COLLECT", "4096"),
        ("MESH_SERVERS__GATEWAY__MAX_IN_FLIGHT", "12"),
    ];
    let settings = read(&json!({}), &variables).unwrap();
    let metadata = &settings.clients["metadata"];
    assert_eq!(metadata.collect, Some(Count(Some(4096))));
    let balance = metadata.balance.as_ref().unwrap();
    assert_eq!(balance.consecutive_failures, Some(Count(None)));
    let server = settings.server("gateway").build().unwrap();
    assert_eq!(server.limit().unwrap().status().limit, 12);
}
