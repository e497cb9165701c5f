//! Game days with a verdict.
//!
//! `snapshot of targets → select → guard → plan(seed) → inject → observe → recover → verdict`:
//! what decides is pure; only `target` and `fault` touch the world.

pub mod journal;
pub mod load;
pub mod observe;
pub mod schema;
pub mod target;
pub mod verdict;
pub mod view;
