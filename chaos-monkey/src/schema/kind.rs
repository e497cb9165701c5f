//! The kinds of resources, and the JSON schema of each.

use schemars::generate::SchemaSettings;
use schemars::{Schema, schema_for};

use super::{Agent, GameDay, System};

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What can be broken.
    System,
    /// What is done to it.
    GameDay,
    /// Which pods of a cluster may be killed, and when.
    Agent,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::System, Self::GameDay, Self::Agent];

    /// The kind of this word in a file.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word in a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::GameDay => "GameDay",
            Self::Agent => "Agent",
        }
    }
}

/// The JSON schema of a kind.
pub fn json_schema(kind: Kind) -> Schema {
    match kind {
        Kind::System => schema_for!(System),
        Kind::GameDay => schema_for!(GameDay),
        Kind::Agent => schema_for!(Agent),
    }
}

/// The JSON schema of a document of any kind.
pub fn any_json_schema() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let kinds = [
        generator.subschema_for::<System>(),
        generator.subschema_for::<GameDay>(),
        generator.subschema_for::<Agent>(),
    ];
    let definitions = generator.take_definitions(true);
    schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Aplomb",
        "description": "What can be broken, what is done to it, or who may do it again and again.",
        "oneOf": kinds,
        "$defs": definitions,
    })
}
