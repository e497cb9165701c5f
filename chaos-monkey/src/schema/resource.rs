//! The envelope that every resource shares.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patterns::LABEL;

/// The `apiVersion` of everything that a person writes down.
pub const API_VERSION: &str = "chaos.aplomb.dev/v1alpha1";

/// What a resource is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The name others refer to it by: lower-case letters, digits and hyphens.
    #[schemars(regex(pattern = LABEL))]
    pub name: String,
}
