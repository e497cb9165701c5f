//! The kinds of resources, and the JSON schema of each.

use schemars::generate::SchemaSettings;
use schemars::{Schema, schema_for};

use super::{GameDay, System};

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What can be broken.
    System,
    /// What is done to it.
    GameDay,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::System, Self::GameDay];

    /// The kind of this word in a file.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word in a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::GameDay => "GameDay",
        }
    }
}

/// The JSON schema of a kind.
pub fn json_schema(kind: Kind) -> Schema {
    match kind {
        Kind::System => schema_for!(System),
        Kind::GameDay => schema_for!(GameDay),
    }
}

/// The JSON schema of a document of any kind.
pub fn any_json_schema() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let kinds = [
        generator.subschema_for::<System>(),
        generator.subschema_for::<GameDay>(),
    ];
    let definitions = generator.take_definitions(true);
    schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Aplomb",
        "description": "What can be broken, or what is done to it.",
        "oneOf": kinds,
        "$defs": definitions,
    })
}
