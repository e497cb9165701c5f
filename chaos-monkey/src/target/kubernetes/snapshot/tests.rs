use serde_json::json;

use super::*;
use crate::schema::AgentSpec;
use crate::target::kubernetes::scripted::{self, refusal, with};

#[tokio::test]
async fn with_named_namespaces_a_role_in_each_of_them_is_enough() {
    let mut spec = AgentSpec::default();
    spec.namespaces.only = vec!["shop".to_owned()];
    let rules = Rules::of(&spec).unwrap();
    let (client, _) = scripted::cluster(|line, _, _| {
        let path = line.split('?').next().unwrap_or_default();
        match path {
            "GET /api/v1/namespaces/shop" => with(200, &json!({"metadata": {"name": "shop"}})),
            path if path.contains("/namespaces/shop/") => {
                with(200, &json!({"metadata": {}, "items": []}))
            }
            other => refusal(403, "Forbidden", other),
        }
    });
    let cluster = read(&client, &rules).await.unwrap();
    assert_eq!(cluster.namespaces.keys().collect::<Vec<_>>(), ["shop"]);
    let all = Rules::of(&AgentSpec::default()).unwrap();
    let error = read(&client, &all).await.unwrap_err();
    assert_eq!(error.code(), 403, "{error}");
}
