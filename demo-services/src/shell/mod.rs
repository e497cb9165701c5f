//! What every service of the mesh shares: settings, two ports, health, drain.

mod admin;
mod drain;
mod json_body;
mod json_error;
mod secret;
mod serve;
mod settings;

pub use json_body::JsonBody;
pub use json_error::{JsonError, JsonResult};
pub use secret::Secret;
pub(crate) use serve::route_label;
pub use serve::{ServiceParts, Shell, run};
pub use settings::ServiceSettings;
