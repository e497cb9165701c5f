use std::time::Duration;

use config::{Config, File, FileFormat};
use serde_json::json;

use super::*;

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
    let off = read(&client(json!({"success_rate": {"enabled": false}})), &[]).unwrap();
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
