//! A JSON schema of our types as a definition in a cluster takes it: one tree without references,
//! in which each place has one type.
//!
//! What such a tree cannot say is left out, for it is checked when a resource is read: that no
//! other keys are allowed, and what durations look like. A choice of words and maps, such as `one`
//! or `{fixed: 2}`, has no one type, so that whatever stands there is kept as it is.

use serde_json::{Map, Value, json};

/// What is the same in both.
const KEPT: [&str; 11] = [
    "description",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "pattern",
    "required",
];

/// The form of texts that a cluster checks as we do.
const KNOWN_FORMAT: &str = "date-time";

/// The schema of a property of a type.
pub(super) fn property(root: &Value, name: &str) -> Value {
    structural(root, &root["properties"][name])
}

/// The schema of a whole type.
pub(super) fn whole(root: &Value) -> Value {
    structural(root, root)
}

fn structural(root: &Value, schema: &Value) -> Value {
    let mut made = of_form(root, schema);
    // What stands at the place of a reference says more than the type itself.
    if let (Some(made), Some(text)) = (made.as_object_mut(), schema.get("description")) {
        made.insert("description".to_owned(), text.clone());
    }
    made
}

fn of_form(root: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = reference.trim_start_matches('#');
        // Every reference that `schemars` makes is there.
        let target = root.pointer(pointer).unwrap_or(&Value::Null);
        return structural(root, target);
    }
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    if let Some(forms) = list("anyOf") {
        let forms: Vec<&Value> = forms.iter().filter(|form| form["type"] != "null").collect();
        return match forms.as_slice() {
            [only] => structural(root, only),
            several => of_several(root, several),
        };
    }
    match list("oneOf") {
        Some(choices) => of_choices(root, choices),
        None => of_type(root, schema),
    }
}

/// A value of one of several types.
fn of_several(root: &Value, forms: &[&Value]) -> Value {
    let is_number_or_text = |form: &&Value| {
        let form = structural(root, form);
        form["type"] == "integer" || form["type"] == "string"
    };
    if forms.iter().all(is_number_or_text) {
        return json!({"x-kubernetes-int-or-string": true});
    }
    anything()
}

/// One of several words, one of several keys, or one of both.
fn of_choices(root: &Value, choices: &[Value]) -> Value {
    let words: Vec<Value> = choices.iter().flat_map(words_of).collect();
    let keys: Map<String, Value> = choices
        .iter()
        .filter_map(|choice| choice["properties"].as_object())
        .flatten()
        .map(|(key, value)| (key.clone(), structural(root, value)))
        .collect();
    match (words.is_empty(), keys.is_empty()) {
        (false, true) => json!({"type": "string", "enum": words}),
        (true, false) => json!({
            "type": "object", "properties": keys, "minProperties": 1, "maxProperties": 1,
        }),
        _ => anything(),
    }
}

fn words_of(choice: &Value) -> Vec<Value> {
    match (choice.get("const"), choice.get("enum")) {
        (Some(word), _) => vec![word.clone()],
        (None, Some(Value::Array(words))) => words.clone(),
        _ => Vec::new(),
    }
}

fn of_type(root: &Value, schema: &Value) -> Value {
    let words = words_of(schema);
    let Some(kind) = kind_of(schema) else {
        return if words.is_empty() {
            anything()
        } else {
            json!({"type": "string", "enum": words})
        };
    };
    let mut made = Map::new();
    made.insert("type".to_owned(), kind.into());
    if !words.is_empty() {
        made.insert("enum".to_owned(), words.into());
    }
    for key in KEPT {
        if let Some(value) = schema.get(key) {
            made.insert(key.to_owned(), value.clone());
        }
    }
    if schema["format"] == KNOWN_FORMAT {
        made.insert("format".to_owned(), KNOWN_FORMAT.into());
    }
    if let Some(items) = schema.get("items") {
        made.insert("items".to_owned(), structural(root, items));
    }
    if let Some(properties) = schema["properties"].as_object() {
        let properties: Map<String, Value> = properties
            .iter()
            .map(|(key, value)| (key.clone(), structural(root, value)))
            .collect();
        made.insert("properties".to_owned(), properties.into());
    } else if schema["additionalProperties"].is_object() {
        let values = structural(root, &schema["additionalProperties"]);
        made.insert("additionalProperties".to_owned(), values);
    }
    made.into()
}

/// The only type of a schema, apart from null.
fn kind_of(schema: &Value) -> Option<&str> {
    let kind = schema.get("type")?;
    kind.as_str().or_else(|| {
        let kinds = kind.as_array()?.iter().filter_map(Value::as_str);
        kinds.into_iter().find(|kind| *kind != "null")
    })
}

/// Whatever stands there is kept as it is.
fn anything() -> Value {
    json!({"x-kubernetes-preserve-unknown-fields": true})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Kind, json_schema};

    /// Complains of everything in a schema that a cluster would refuse.
    fn check(schema: &Value, at: &str) {
        let schema = schema
            .as_object()
            .unwrap_or_else(|| panic!("{at}: {schema}"));
        let is_open = schema.contains_key("x-kubernetes-preserve-unknown-fields")
            || schema.contains_key("x-kubernetes-int-or-string");
        assert!(is_open || schema["type"].is_string(), "{at} has no type");
        for key in [
            "$ref", "oneOf", "anyOf", "default", "const", "$defs", "examples",
        ] {
            assert!(!schema.contains_key(key), "{at}: {key}");
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let further = schema.get("additionalProperties");
        assert!(properties.is_none() || further.is_none(), "{at} has both");
        for (key, inside) in properties.into_iter().flatten() {
            check(inside, &format!("{at}.{key}"));
        }
        for inside in further.into_iter().chain(schema.get("items")) {
            check(inside, &format!("{at}[]"));
        }
    }

    #[test]
    fn every_place_has_one_type_or_is_open_on_purpose() {
        for kind in [Kind::System, Kind::GameDay] {
            let schema = json_schema(kind);
            let made = property(schema.as_value(), "spec");
            check(&made, kind.as_str());
        }
    }

    #[test]
    fn choices_of_keys_are_maps_with_one_of_them_and_mixed_ones_are_open() {
        let schema = json_schema(Kind::GameDay);
        let spec = property(schema.as_value(), "spec");
        let fault = &spec["properties"]["timeline"]["properties"]["faults"]["items"];
        let fault = &fault["properties"]["do"];
        assert_eq!(fault["maxProperties"], 1);
        let kill = &fault["properties"]["kill"]["properties"];
        assert_eq!(kill["service"]["type"], "string");
        assert_eq!(kill["amount"]["x-kubernetes-preserve-unknown-fields"], true);
        let metric = &spec["properties"]["steadyState"]["items"]["properties"]["metric"];
        assert_eq!(metric["type"], "string");
        assert!(metric["enum"].as_array().unwrap().contains(&"yield".into()));
        let rate = &spec["properties"]["load"]["properties"]["rate"]["properties"];
        assert_eq!(rate["constant"]["minimum"], 0.001);
    }

    #[test]
    fn a_port_is_a_number_or_a_word() {
        let schema = json_schema(Kind::System);
        let spec = property(schema.as_value(), "spec");
        let service = &spec["properties"]["services"]["additionalProperties"]["properties"];
        let ports = &service["process"]["properties"]["ports"]["additionalProperties"];
        assert_eq!(ports["x-kubernetes-int-or-string"], true);
        let reach = &service["kubernetes"]["properties"]["reach"];
        assert_eq!(reach["properties"]["url"]["type"], "string");
    }
}
