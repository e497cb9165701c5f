use serde_json::json;

use super::*;
use crate::schema::AgentSpec;
use crate::target::kubernetes::scripted::{self, refusal, with};

/// What is found where one verb on one resource is not allowed.
async fn findings(only: &[&str]) -> (Vec<Finding>, Vec<serde_json::Value>) {
    let (client, asked) = scripted::cluster(|line, body, _| {
        if line.contains("selfsubjectaccessreviews") {
            let attributes = &body["spec"]["resourceAttributes"];
            let is_allowed = attributes["subresource"] != "eviction";
            let status = json!({"allowed": is_allowed, "reason": "no rule says so"});
            return with(
                201,
                &json!({"metadata": {}, "spec": body["spec"], "status": status}),
            );
        }
        if line.contains("chaos-ledger") {
            return refusal(404, "NotFound", "no ledger");
        }
        with(200, &json!({"metadata": {}, "items": []}))
    });
    let connection = Connection {
        client,
        context: "scripted".to_owned(),
        namespace: "default".to_owned(),
    };
    let mut spec = AgentSpec::default();
    spec.namespaces.only = only.iter().map(|name| (*name).to_owned()).collect();
    let findings = check(&connection, "home", &Rules::of(&spec).unwrap()).await;
    let asked = asked.lock().iter().map(|(_, body)| body.clone()).collect();
    (findings, asked)
}

#[tokio::test]
async fn a_missing_permission_is_one_line_in_each_place() {
    let (all, _) = findings(&[]).await;
    let troubles = |findings: &[Finding]| -> Vec<String> {
        let troubles = findings.iter().filter(|it| it.trouble.is_some());
        troubles
            .map(|it| format!("{}: {}", it.what, it.trouble.clone().unwrap_or_default()))
            .collect()
    };
    assert_eq!(
        troubles(&all),
        ["may create pods/eviction everywhere: not allowed: no rule says so"]
    );
    let (named, asked) = findings(&["bank", "shop"]).await;
    assert_eq!(
        troubles(&named),
        [
            "may create pods/eviction in `bank`: not allowed: no rule says so",
            "may create pods/eviction in `shop`: not allowed: no rule says so",
        ]
    );
    // What no Role can grant is not asked for.
    let reviews = asked.iter().map(|body| &body["spec"]["resourceAttributes"]);
    let namespaces: Vec<_> = reviews
        .filter(|it| it["resource"] == "namespaces")
        .collect();
    assert_eq!(namespaces.len(), 2);
    assert!(
        namespaces
            .iter()
            .all(|it| it["verb"] == "get" && it["name"] == it["namespace"])
    );
}
