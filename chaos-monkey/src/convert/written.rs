//! Settings as the text of a file.

use serde_json::{Value, json};

use crate::file;
use crate::schema::{API_VERSION, AgentSpec};

/// How many letters a line of a note has at most.
const WIDTH: usize = 98;

/// The parts of settings of which each key can be left out.
const SECTIONS: [&str; 6] = [
    "namespaces",
    "pods",
    "owners",
    "schedule",
    "guards",
    "recovery",
];

/// A file with what differs from the defaults, below the notes as comments.
pub(super) fn file(name: &str, spec: &AgentSpec, notes: &[String]) -> String {
    // Settings have no key that is no text, so that none of these can fail.
    let all = serde_json::to_value(spec).unwrap_or_default();
    let defaults = serde_json::to_value(AgentSpec::default()).unwrap_or_default();
    let document = json!({
        "apiVersion": API_VERSION,
        "kind": "Agent",
        "metadata": {"name": name},
        "spec": different(all, &defaults),
    });
    let notes: String = notes.iter().map(|note| comment(note)).collect();
    let settings = file::to_yaml(&document).unwrap_or_default();
    format!("{notes}{settings}")
}

/// Those settings that are not the defaults, in each section of them. What stands in a section is
/// kept whole.
fn different(all: Value, defaults: &Value) -> Value {
    let of_section = |(key, section): (String, Value)| {
        let other = defaults.get(&key).unwrap_or(&Value::Null);
        if section == *other {
            return None;
        }
        match (section, other) {
            (Value::Object(section), Value::Object(other)) if SECTIONS.contains(&key.as_str()) => {
                let mut section = section;
                section.retain(|key, value| other.get(key) != Some(value));
                Some((key, Value::Object(section)))
            }
            (section, _) => Some((key, section)),
        }
    };
    match all {
        Value::Object(all) => Value::Object(all.into_iter().filter_map(of_section).collect()),
        other => other,
    }
}

/// A note as comments, broken between words.
fn comment(note: &str) -> String {
    let mut text = String::from("#");
    let mut width = 1;
    for word in note.split_whitespace() {
        if width + 1 + word.chars().count() > WIDTH {
            text.push_str("\n#  ");
            width = 3;
        }
        text.push(' ');
        text.push_str(word);
        width += 1 + word.chars().count();
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Every, Rhythm, Span, VictimAmount};

    fn read(text: &str) -> AgentSpec {
        let documents = file::load_text("agent.yaml", text, &[]);
        let documents = documents.unwrap_or_else(|mistakes| panic!("{mistakes:#}\n{text}"));
        documents.agent(None).unwrap().spec.clone()
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let mut spec = AgentSpec::default();
        assert_eq!(read(&file("a", &spec, &[])), spec);
        spec.amount = VictimAmount::Fixed(2);
        assert_eq!(read(&file("a", &spec, &[])), spec);
        spec.amount = VictimAmount::One;
        spec.schedule.hours.from = "00:00".to_owned();
        spec.schedule.leave_out = vec!["04-01".to_owned()];
        spec.schedule.rhythm = Rhythm::Every(Every {
            interval: Span::from_secs(600),
            jitter: Span::default(),
            owners: 1,
        });
        spec.pods.names = Some("!a: b # c".to_owned());
        spec.guards.minimum_healthy.count = 0;
        let text = file("a", &spec, &["A note.".to_owned()]);
        assert_eq!(read(&text), spec);
        assert!(
            text.starts_with("# A note.\napiVersion: chaos.aplomb.dev/v1alpha1\n"),
            "{text}"
        );
        assert!(
            !text.contains("timeZone"),
            "defaults go without saying: {text}"
        );
    }

    #[test]
    fn long_notes_are_broken_between_words() {
        let text = comment(&"word ".repeat(40));
        assert!(text.lines().count() > 1);
        assert!(
            text.lines()
                .all(|line| line.starts_with('#') && line.len() <= WIDTH),
            "{text}"
        );
    }
}
