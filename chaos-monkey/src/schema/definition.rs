//! The definitions of what people apply to a cluster, from the types that files are read by.

use serde_json::{Value, json};

use super::{API_VERSION, GameDayStatus, Kind, json_schema, structural};

/// What a game day was when it was applied it stays: it is run once.
const NEVER_CHANGES: &str = "self.spec == oldSelf.spec";

/// A service that runs nowhere cannot be broken.
const EACH_HAS_A_BINDING: &str = "self.spec.services.all(name, has(self.spec.services[name].process) \
                                  || has(self.spec.services[name].kubernetes))";

/// The definition of `System`.
pub fn system_definition() -> Value {
    let columns = json!([age()]);
    let mut made = definition(Kind::System, "systems", &columns, None);
    let schema = &mut made["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    // So that the cluster knows what the rule costs.
    schema["properties"]["spec"]["properties"]["services"]["maxProperties"] = 1_000.into();
    schema["x-kubernetes-validations"] = json!([{
        "rule": EACH_HAS_A_BINDING,
        "message": "each service has a binding: process, kubernetes or both",
    }]);
    made
}

/// The definition of `GameDay`.
pub fn game_day_definition() -> Value {
    let column =
        |name: &str, kind: &str, path: &str| json!({"name": name, "type": kind, "jsonPath": path});
    let columns = json!([
        column("System", "string", ".spec.system"),
        column("Phase", "string", ".status.phase"),
        column("Verdict", "string", ".status.verdict.outcome"),
        column("Yield", "string", ".status.yield"),
        column("Kills", "integer", ".status.killCount"),
        column("Began", "date", ".status.began"),
        age(),
        column("Reason", "string", ".status.reason"),
    ]);
    let status = schemars::schema_for!(GameDayStatus);
    let status = structural::whole(status.as_value());
    let mut made = definition(Kind::GameDay, "gamedays", &columns, Some(status));
    let version = &mut made["spec"]["versions"][0];
    version["subresources"] = json!({"status": {}});
    version["schema"]["openAPIV3Schema"]["x-kubernetes-validations"] = json!([{
        "rule": NEVER_CHANGES,
        "message": "a game day runs once and never changes: apply another one",
    }]);
    made
}

fn age() -> Value {
    json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"})
}

fn definition(kind: Kind, plural: &str, columns: &Value, status: Option<Value>) -> Value {
    let schema = json_schema(kind);
    let root = schema.as_value();
    let (group, version) = API_VERSION.split_once('/').unwrap_or((API_VERSION, ""));
    let mut properties = json!({"spec": structural::property(root, "spec")});
    if let Some(status) = status {
        properties["status"] = status;
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "names": {
                "kind": kind.as_str(),
                "plural": plural,
                "singular": kind.as_str().to_ascii_lowercase(),
            },
            "scope": "Namespaced",
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "additionalPrinterColumns": columns,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "description": root["description"],
                    "required": ["spec"],
                    "properties": properties,
                }},
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_schema_know_the_same_keys() {
        let definition = game_day_definition();
        let version = &definition["spec"]["versions"][0];
        let schema = &version["schema"]["openAPIV3Schema"];
        for column in version["additionalPrinterColumns"].as_array().unwrap() {
            let path = column["jsonPath"].as_str().unwrap();
            if path.starts_with(".metadata") {
                continue;
            }
            let place = path
                .split('.')
                .skip(1)
                .fold(schema, |inside, key| &inside["properties"][key]);
            assert!(place["type"].is_string(), "{path}");
        }
        assert_eq!(definition["metadata"]["name"], "gamedays.chaos.aplomb.dev");
    }

    #[test]
    fn a_rule_over_services_costs_little_and_names_keys_that_are_there() {
        let definition = system_definition();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert_eq!(
            schema["x-kubernetes-validations"][0]["rule"],
            "self.spec.services.all(name, has(self.spec.services[name].process) \
             || has(self.spec.services[name].kubernetes))"
        );
        let services = &schema["properties"]["spec"]["properties"]["services"];
        assert_eq!(services["maxProperties"], 1_000);
        for binding in ["process", "kubernetes"] {
            let service = &services["additionalProperties"];
            assert!(service["properties"][binding].is_object(), "{service:#}");
        }
    }

    #[cfg(feature = "kubernetes")]
    #[test]
    fn a_ledger_has_each_kill_once_and_none_that_ends_before_it_begins() {
        use kube::CustomResourceExt as _;

        let definition = serde_json::to_value(crate::schema::KillLedger::crd()).unwrap();
        let version = &definition["spec"]["versions"][0];
        let schema = &version["schema"]["openAPIV3Schema"];
        let rule = schema["x-kubernetes-validations"][0]["rule"].as_str();
        assert!(rule.unwrap().contains("kill.notAfter >= kill.at"));
        let kills = &schema["properties"]["spec"]["properties"]["kills"];
        assert_eq!(kills["x-kubernetes-list-type"], "map");
        assert_eq!(kills["x-kubernetes-list-map-keys"], json!(["kill"]));
        assert_eq!(kills["maxItems"], 10_000);
        let required = kills["items"]["required"].as_array().unwrap();
        for key in ["kill", "at", "notAfter"] {
            assert!(required.contains(&key.into()), "{key}: {required:?}");
        }
        for key in ["at", "notAfter"] {
            assert_eq!(kills["items"]["properties"][key]["format"], "date-time");
        }
    }

    #[test]
    fn what_a_status_does_not_have_is_taken_away() {
        let status = serde_json::to_value(GameDayStatus::default()).unwrap();
        let status = status.as_object().unwrap();
        assert!(status.contains_key("reason"));
        assert!(status.values().all(Value::is_null));
    }
}
