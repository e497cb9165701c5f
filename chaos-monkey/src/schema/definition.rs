//! The definitions of what people apply to a cluster, from the types that files are read by.

use serde_json::{Value, json};

use super::{API_VERSION, GameDayStatus, Kind, json_schema, structural};

/// What a game day was when it was applied it stays: it is run once.
const NEVER_CHANGES: &str = "self.spec == oldSelf.spec";

/// The definition of `System`.
pub fn system_definition() -> Value {
    let columns = json!([age()]);
    definition(Kind::System, "systems", &columns, None)
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
    fn what_a_status_does_not_have_is_taken_away() {
        let status = serde_json::to_value(GameDayStatus::default()).unwrap();
        let status = status.as_object().unwrap();
        assert!(status.contains_key("reason"));
        assert!(status.values().all(Value::is_null));
    }
}
