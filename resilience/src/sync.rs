//! Where the lock-free parts take their atomics from. They name nothing else of this crate, so
//! that the models in `resilience/loom` can compile the same files with the atomics of loom.

pub(crate) use std::sync::atomic;
