//! What a running system tells of itself.

mod events;

pub use events::{EventSource, EventTail, tail_events};
