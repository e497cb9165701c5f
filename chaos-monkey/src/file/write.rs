//! What a program has made, as the text of a file for people.

use saphyr::{LoadableYamlNode as _, Yaml, YamlEmitter};
use serde::Serialize;

/// A resource as the text of a file, its keys in the order of its type.
///
/// # Errors
///
/// A map with keys that are no texts; no resource has one.
pub fn to_yaml(resource: &impl Serialize) -> serde_json::Result<String> {
    // JSON is YAML; what is written anew is how people like to read it.
    let json = serde_json::to_string_pretty(resource)?;
    let mut text = String::new();
    let parsed = Yaml::load_from_str(&json);
    let written = parsed.ok().and_then(|documents| {
        let mut emitter = YamlEmitter::new(&mut text);
        emitter.dump(documents.first()?).ok()
    });
    if written.is_none() {
        return Ok(json + "\n");
    }
    Ok(format!("{}\n", text.trim_start_matches("---\n")))
}
