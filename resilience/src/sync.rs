//! Where the parts that threads share take their atomics and locks from. They name nothing else of
//! this crate, so that the models in `resilience/loom` can compile the same files with those of
//! loom.

pub(crate) use std::sync::atomic;

pub(crate) use parking_lot::Mutex;
