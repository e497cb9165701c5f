//! The kinds of resources, and the JSON schema of each.

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
