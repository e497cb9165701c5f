//! Game days with a verdict.
//!
//! `snapshot of targets → select → guard → plan(seed) → inject → observe → recover → verdict`:
//! what decides is pure; only `target` and `fault` touch the world.

pub mod agent;
pub mod cli;
pub mod convert;
pub mod engine;
pub mod exit;
mod fault;
pub mod file;
pub mod guard;
mod hash;
pub mod journal;
pub mod load;
pub mod observe;
pub mod plan;
pub mod schedule;
pub mod schema;
pub mod select;
pub mod target;
pub mod verdict;
pub mod view;
