//! What every service of the mesh shares: settings, two ports, health, drain.

mod admin;
mod database;
mod drain;
mod idempotency_key;
mod json_body;
mod json_error;
mod json_parts;
mod secret;
mod serve;
mod settings;

pub use database::{DatabaseSettings, DatabaseUrl};
pub use idempotency_key::idempotency_key;
pub use json_body::{JsonBody, MAXIMUM_BODY_BYTES};
pub use json_error::{JsonError, JsonResult};
pub use json_parts::{JsonPath, JsonQuery};
pub use secret::Secret;
pub(crate) use serve::route_label;
pub use serve::{ServiceParts, Shell, run};
pub use settings::ServiceSettings;
