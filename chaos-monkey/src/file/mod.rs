//! The files that a person writes: read with every mistake named and placed.
//!
//! A file is parsed into a tree that knows its positions, the tree is checked against the JSON
//! schema of its kind, what is well-formed becomes a typed resource, and that is checked for what
//! no schema can say: unknown services, faults after the end, guards that would veto for ever.
//! All mistakes of all files come out together, in the order in which they stand.

mod check;
mod documents;
mod mistake;
mod semantics;
mod tree;

pub use documents::{Documents, check_game_day, check_system, load, load_text, load_with};
pub use mistake::{KeyPath, Mistake, Mistakes, Place};
