//! Text and JSON with `${name}` inside.

use serde_json::{Map, Value};

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `${` without its `}`.
    #[error("`{text}` opens a placeholder that is not closed: write `${{name}}`")]
    Unclosed {
        /// The whole text.
        text: String,
    },
    /// A placeholder without a name.
    #[error("`{text}` has a placeholder without a name: write `${{name}}`")]
    Nameless {
        /// The whole text.
        text: String,
    },
}

/// A placeholder that has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`${{{0}}}` has no value here")]
pub struct Unbound(pub String);

/// Text with placeholders, such as `/v1/titles/${title.id}`. A `$` without `{` is itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Placeholder(String),
}

/// How a value is written into a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    None,
    /// Percent-encoded as a part of a path or of a query (RFC 3986: all but unreserved).
    Uri,
}

impl Template {
    /// Reads a text with placeholders.
    ///
    /// # Errors
    /// A placeholder is not closed or has no name.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else {
                return Err(TemplateError::Unclosed {
                    text: text.to_owned(),
                });
            };
            if name.trim().is_empty() {
                return Err(TemplateError::Nameless {
                    text: text.to_owned(),
                });
            }
            if !before.is_empty() {
                segments.push(Segment::Literal(before.to_owned()));
            }
            segments.push(Segment::Placeholder(name.to_owned()));
            rest = behind;
        }
        if !rest.is_empty() {
            segments.push(Segment::Literal(rest.to_owned()));
        }
        Ok(Self { segments })
    }

    /// The names of the placeholders, in the order of the text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Placeholder(name) => Some(name.as_str()),
        })
    }

    /// The text with the values that `lookup` knows.
    ///
    /// # Errors
    /// A placeholder has no value.
    pub fn render(
        &self,
        escape: Escape,
        lookup: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<String, Unbound> {
        let mut text = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(literal) => text.push_str(literal),
                Segment::Placeholder(name) => {
                    let value = lookup(name).ok_or_else(|| Unbound(name.clone()))?;
                    push_value(&mut text, &value, escape);
                }
            }
        }
        Ok(text)
    }

    /// The name, if the whole text is one placeholder.
    fn single_name(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [Segment::Placeholder(name)] => Some(name),
            _ => None,
        }
    }
}

fn push_value(text: &mut String, value: &Value, escape: Escape) {
    let plain = match value {
        Value::String(string) => string.clone(),
        other => other.to_string(),
    };
    match escape {
        Escape::None => text.push_str(&plain),
        Escape::Uri => push_percent_encoded(text, &plain),
    }
}

fn push_percent_encoded(text: &mut String, plain: &str) {
    const HEXADECIMAL: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in plain.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.extend(HEXADECIMAL.get(usize::from(byte >> 4)));
            text.extend(HEXADECIMAL.get(usize::from(byte & 15)));
        }
    }
}

/// JSON whose strings are templates. A string that is exactly one placeholder takes the value
/// as it is, so that a number stays a number; keys are never templates.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonTemplate {
    node: Node,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Constant(Value),
    Text(Template),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl JsonTemplate {
    /// Reads JSON whose strings are templates.
    ///
    /// # Errors
    /// A placeholder is not closed or has no name.
    pub fn parse(value: &Value) -> Result<Self, TemplateError> {
        Ok(Self {
            node: Node::parse(value)?,
        })
    }

    /// The names of the placeholders.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.node.collect_names(&mut names);
        names
    }

    /// The JSON with the values that `lookup` knows.
    ///
    /// # Errors
    /// A placeholder has no value.
    pub fn render(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Value, Unbound> {
        self.node.render(lookup)
    }
}

impl Node {
    fn parse(value: &Value) -> Result<Self, TemplateError> {
        match value {
            Value::String(text) => Ok(Self::Text(Template::parse(text)?)),
            Value::Array(items) => Ok(Self::Array(
                items.iter().map(Self::parse).collect::<Result<_, _>>()?,
            )),
            Value::Object(entries) => {
                let parse_entry =
                    |(key, value): (&String, &Value)| Ok((key.clone(), Self::parse(value)?));
                Ok(Self::Object(
                    entries.iter().map(parse_entry).collect::<Result<_, _>>()?,
                ))
            }
            constant => Ok(Self::Constant(constant.clone())),
        }
    }

    fn collect_names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Constant(_) => {}
            Self::Text(template) => names.extend(template.names()),
            Self::Array(items) => {
                for item in items {
                    item.collect_names(names);
                }
            }
            Self::Object(entries) => {
                for (_, entry) in entries {
                    entry.collect_names(names);
                }
            }
        }
    }

    fn render(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Value, Unbound> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Text(template) => match template.single_name() {
                Some(name) => lookup(name).ok_or_else(|| Unbound(name.to_owned())),
                None => template.render(Escape::None, lookup).map(Value::String),
            },
            Self::Array(items) => {
                let rendered = items.iter().map(|item| item.render(lookup));
                Ok(Value::Array(rendered.collect::<Result<_, _>>()?))
            }
            Self::Object(entries) => {
                let mut object = Map::new();
                for (key, entry) in entries {
                    object.insert(key.clone(), entry.render(lookup)?);
                }
                Ok(Value::Object(object))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn lookup(name: &str) -> Option<Value> {
        match name {
            "user.name" => Some(json!("Ada Lovelace")),
            "title.id" => Some(json!(17)),
            "sequence" => Some(json!(4)),
            "flag" => Some(json!(true)),
            _ => None,
        }
    }

    #[test]
    fn text_takes_values_and_paths_encode_them() {
        let template = Template::parse("/u/${user.name}/t?id=${title.id}&p=$5").unwrap();
        assert_eq!(
            template.render(Escape::Uri, &lookup).unwrap(),
            "/u/Ada%20Lovelace/t?id=17&p=$5"
        );
        assert_eq!(
            template.render(Escape::None, &lookup).unwrap(),
            "/u/Ada Lovelace/t?id=17&p=$5"
        );
        assert_eq!(
            template.names().collect::<Vec<_>>(),
            ["user.name", "title.id"]
        );
    }

    #[test]
    fn a_sole_placeholder_in_json_keeps_its_type() {
        let template = JsonTemplate::parse(&json!({
            "sequence": "${sequence}", "label": "n${sequence}", "name": "${user.name}",
            "list": ["${flag}", 1, null],
        }))
        .unwrap();
        assert_eq!(
            template.render(&lookup).unwrap(),
            json!({"sequence": 4, "label": "n4", "name": "Ada Lovelace", "list": [true, 1, null]})
        );
        let mut names = template.names();
        names.sort_unstable();
        assert_eq!(names, ["flag", "sequence", "sequence", "user.name"]);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(matches!(
            Template::parse("a${b"),
            Err(TemplateError::Unclosed { .. })
        ));
        assert!(matches!(
            Template::parse("a${ }"),
            Err(TemplateError::Nameless { .. })
        ));
        let unbound = Template::parse("${nobody}")
            .unwrap()
            .render(Escape::None, &lookup);
        assert_eq!(
            unbound.unwrap_err().to_string(),
            "`${nobody}` has no value here"
        );
    }

    proptest! {
        #[test]
        fn substitution_equals_replacing_each_placeholder(
            pieces in prop::collection::vec(("[a-z /$?]{0,6}", "[a-d]"), 0..6),
            values in prop::collection::btree_map("[a-d]", "[A-Z0-9 %]{0,5}", 4),
        ) {
            let mut text = String::new();
            for (literal, name) in &pieces {
                text.push_str(&[literal, " ${", name, "}"].concat());
            }
            let mut expected = text.clone();
            for (name, value) in &values {
                expected = expected.replace(&format!("${{{name}}}"), value);
            }
            let values: BTreeMap<String, String> = values;
            let template = Template::parse(&text).unwrap();
            let rendered = template
                .render(Escape::None, &|name| values.get(name).cloned().map(Value::String))
                .unwrap();
            prop_assert_eq!(rendered, expected);
        }

        #[test]
        fn percent_encoding_leaves_only_what_a_path_may_carry(value in any::<String>()) {
            let template = Template::parse("/${v}").unwrap();
            let path = template
                .render(Escape::Uri, &|_| Some(Value::String(value.clone())))
                .unwrap();
            prop_assert!(path.parse::<http::uri::PathAndQuery>().is_ok());
            prop_assert!(path.bytes().skip(1).all(|byte| byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%')));
        }
    }
}
