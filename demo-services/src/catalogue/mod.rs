//! The catalogue: titles from a seeded generator, stored read-only in SQLite with full-text search.

mod generate;
mod taste;
mod title;
mod words;

pub use generate::generate;
pub use taste::{Taste, Viewings, watch};
pub use title::{Kind, Rendition, Title};
