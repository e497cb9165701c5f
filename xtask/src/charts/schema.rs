//! The schema of a chart's values and the values themselves know the same keys.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{CHARTS, folder, read, table};

/// The keys of maps that a schema closes, each with its path. What it leaves open, or takes from
/// elsewhere, is not looked into.
fn keys(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let Some(properties) = schema["properties"].as_object() else {
        found.insert(path.to_owned());
        return;
    };
    assert_eq!(
        schema["additionalProperties"], false,
        "{path}: a misspelt key would go unnoticed"
    );
    for (name, property) in properties {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        keys(property, &path, found);
    }
}

/// Whether one of two paths leads to the other, or to a part of it.
fn meet(one: &str, other: &str) -> bool {
    let is_below = |longer: &str, shorter: &str| {
        let rest = longer.strip_prefix(shorter);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    is_below(one, other) || is_below(other, one)
}

#[test]
fn each_value_is_in_the_schema_and_each_key_of_the_schema_is_a_value() {
    for chart in CHARTS {
        let folder = folder(chart);
        let schema = read(&folder.join("values.schema.json")).unwrap();
        let mut known = BTreeSet::new();
        keys(&serde_json::from_str(&schema).unwrap(), "", &mut known);
        // It is that of charts which contain this one.
        assert!(known.remove("global"), "{chart}: `global` is no mistake");
        let values = table::names(&read(&folder.join("values.yaml")).unwrap()).unwrap();
        for value in &values {
            assert!(
                known.iter().any(|key| meet(key, value)),
                "{chart}: the schema does not know `{value}`"
            );
        }
        for key in &known {
            assert!(
                values.iter().any(|value| meet(key, value)),
                "{chart}: `{key}` of the schema stands in no values.yaml"
            );
        }
    }
}
