use super::*;
use crate::schema::AgentSpec;

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
