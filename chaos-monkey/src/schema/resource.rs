//! The envelope that every resource shares.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GameDay, System};

/// The `apiVersion` of everything that a person writes down.
pub const API_VERSION: &str = "chaos.aplomb.dev/v1alpha1";

/// What a resource is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The name others refer to it by: lower-case letters, digits and hyphens.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    pub name: String,
}

/// One document of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Resource {
    /// What can be broken.
    System(System),
    /// What is done to it.
    GameDay(Box<GameDay>),
}
