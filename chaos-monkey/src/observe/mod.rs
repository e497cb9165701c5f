//! What a running system tells of itself.

mod events;
#[cfg(test)]
mod tests;

pub use events::{EventSource, EventTail, tail_events};
