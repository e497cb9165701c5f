//! One title.

use serde::{Deserialize, Serialize};

/// A film or a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One sitting.
    Film,
    /// Many.
    Series,
}

/// One rung of the ladder of renditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Its name, such as `720p`.
    pub name: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Bits per second, in thousands.
    pub kbps: u32,
}

/// One title with all that metadata knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Title {
    /// Its number, counted from 1.
    pub id: u32,
    /// Its name; no two titles share one.
    pub name: String,
    /// Film or series.
    pub kind: Kind,
    /// One or two genres, the main one first.
    pub genres: Vec<String>,
    /// The year of its release.
    pub year: u16,
    /// Who plays in it.
    pub cast: Vec<String>,
    /// What it is about.
    pub synopsis: String,
    /// How long it lasts, per episode for a series.
    pub minutes: u16,
    /// Whether only the premium plan has it.
    pub premium: bool,
    /// The ladder of renditions, the lightest first.
    pub renditions: Vec<Rendition>,
}
