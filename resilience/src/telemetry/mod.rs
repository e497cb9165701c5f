//! Metrics and events of every part, in one place.
