//! Which services and instances a fault falls on: filters in sequence, then a draw.
//!
//! Nothing here knows of safety: what must not be broken is a matter of the guards, which look at
//! the moment of execution and not at the moment of planning.

mod amount;
mod bag;
mod services;

pub use amount::{count, draw_replicas};
pub use bag::Bag;
pub use services::candidates;
