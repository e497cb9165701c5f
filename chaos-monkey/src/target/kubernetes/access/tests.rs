use serde_json::json;

use super::*;
use crate::schema::AgentSpec;
use crate::target::kubernetes::scripted::{self, Reply, refusal, with};

fn lines(settings: &serde_json::Value) -> Vec<String> {
    let spec: AgentSpec = serde_json::from_value(settings.clone()).unwrap();
    let rules = Rules::of(&spec).unwrap();
    questions("home", "chaos-monkey-it", &rules)
        .iter()
        .map(shown)
        .collect()
}

fn has(lines: &[String], line: &str) -> bool {
    lines.iter().any(|it| it == line)
}

#[test]
fn without_names_everything_is_asked_for_the_cluster() {
    let lines = lines(&serde_json::json!({}));
    for line in [
        "may watch namespaces everywhere",
        "may get namespaces everywhere",
        "may list pods everywhere",
        "may create pods/eviction everywhere",
        "may get configmaps `chaos-halt` everywhere",
        "may update leases.coordination.k8s.io `chaos-monkey-it` in `home`",
        "may create leases.coordination.k8s.io in `home`",
        "may patch kills/status.chaos.aplomb.dev in `home`",
        "may update killledgers.chaos.aplomb.dev `chaos-ledger` in `home`",
    ] {
        assert!(has(&lines, line), "{line}: {lines:#?}");
    }
    assert!(!has(&lines, "may create configmaps in `home`"));
}

#[test]
fn named_namespaces_are_asked_for_alone_and_never_watched() {
    let lines = lines(&serde_json::json!({"namespaces": {"only": ["shop", "bar"]}}));
    for line in [
        "may get namespaces `shop` in `shop`",
        "may get namespaces `bar` in `bar`",
        "may list pods in `shop`",
        "may create pods/eviction in `bar`",
        "may get configmaps `chaos-halt` in `home`",
    ] {
        assert!(has(&lines, line), "{line}: {lines:#?}");
    }
    assert!(!lines.iter().any(|it| it.ends_with("everywhere")));
    assert!(!lines.iter().any(|it| it.contains("watch namespaces")));
}

#[test]
fn what_is_asked_follows_the_settings() {
    let settings = serde_json::json!({"method": "deleteNow", "recovery": {"halt": true}});
    let lines = lines(&settings);
    assert!(has(&lines, "may delete pods everywhere"));
    assert!(has(&lines, "may create configmaps in `home`"));
    assert!(!lines.iter().any(|it| it.contains("eviction")));
}

#[test]
fn game_days_need_more_only_where_they_are_run() {
    let of = |choice: &str| {
        lines(&serde_json::json!({
            "namespaces": {"only": ["shop"]}, "gameDays": choice,
        }))
    };
    for line in [
        "may watch gamedays.chaos.aplomb.dev in `shop`",
        "may patch gamedays/status.chaos.aplomb.dev in `shop`",
        "may get systems.chaos.aplomb.dev in `shop`",
        "may get services in `shop`",
    ] {
        assert!(has(&of("also"), line), "{line}");
        assert!(has(&of("only"), line), "{line}");
        assert!(!has(&of("none"), line), "{line}");
    }
}

/// What is found with these settings in a cluster that allows everything but one permission, about
/// which it says something else.
async fn found(settings: &serde_json::Value, verb: &'static str, said: Reply) -> Vec<Finding> {
    let (client, _) = scripted::cluster(move |line, body, _| {
        if line.contains("/selfsubjectaccessreviews") {
            let attributes = &body["spec"]["resourceAttributes"];
            if attributes["verb"] == verb && attributes["resource"] == "pods" {
                return said.clone();
            }
            return with(201, &reviewed(&json!({"allowed": true})));
        }
        if line.contains("/kills?") {
            return with(200, &json!({"metadata": {}, "items": []}));
        }
        refusal(404, "NotFound", "no ledger")
    });
    let connection = Connection {
        client,
        context: "scripted".to_owned(),
        namespace: "default".to_owned(),
    };
    let spec: AgentSpec = serde_json::from_value(settings.clone()).unwrap();
    check(&connection, "home", "it", &Rules::of(&spec).unwrap()).await
}

fn reviewed(status: &serde_json::Value) -> serde_json::Value {
    json!({"metadata": {}, "spec": {}, "status": status})
}

/// The findings with trouble, as lines.
fn troubles(findings: &[Finding]) -> Vec<String> {
    let troubles = findings.iter().filter_map(|it| {
        let trouble = it.trouble.as_ref()?;
        Some(format!("{}: {trouble}", it.what))
    });
    troubles.collect()
}

#[tokio::test]
async fn what_is_not_allowed_or_not_answered_is_one_line_of_trouble() {
    let settings = json!({"namespaces": {"only": ["shop"]}});
    let no = json!({"allowed": false, "reason": "no role"});
    for (said, expected) in [
        (with(201, &reviewed(&json!({"allowed": true}))), None),
        (with(201, &reviewed(&no)), Some("not allowed: no role")),
        (
            with(201, &reviewed(&json!({"allowed": false}))),
            Some("not allowed"),
        ),
        (with(201, &reviewed(&json!(null))), Some("not allowed")),
        (
            refusal(500, "InternalError", "etcd"),
            Some("review an access: etcd"),
        ),
    ] {
        let findings = found(&settings, "list", said).await;
        let expected = expected.map(|it| format!("may list pods in `shop`: {it}"));
        assert_eq!(troubles(&findings), Vec::from_iter(expected));
    }
}

#[tokio::test]
async fn an_outage_probe_that_cannot_be_reached_is_one_line_of_trouble() {
    // A port that nobody listens to: it was bound and given back.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let settings = json!({
        "guards": {"outage": {"http": format!("http://me:secret@{address}/health")}},
    });
    let allowed = with(201, &reviewed(&json!({"allowed": true})));
    let findings = found(&settings, "list", allowed).await;
    let troubles = troubles(&findings);
    let [trouble] = troubles.as_slice() else {
        panic!("{troubles:?}");
    };
    let expected = format!(
        "the outage probe answers that all is well: http://{address}/health has not answered"
    );
    assert!(trouble.starts_with(&expected), "{trouble}");
}
