//! Views of a game day: each a file, each a fold over the journal and nothing else.
//!
//! | view | file | for |
//! |---|---|---|
//! | [`verdict_json`] | `verdict.json` | machines |
//! | `markdown` | `summary.md` | pull requests and chats |
//! | `junit` | `junit.xml` | CI |
//! | `html` | `report.html` | people |
//! | [`block`] | the end of the terminal's output | whoever ran it |
//! | [`lines`] | a line a second | logs |
//! | [`terminal`] | the live display | whoever watches |
//! | `compare` | two runs side by side | the doubtful |

pub mod block;
mod display;
pub mod lines;
pub mod terminal;
pub mod verdict_json;
mod write;

pub use display::{Display, Output};
pub use verdict_json::json;
pub use write::{JOURNAL_FILE, ViewError, rebuild, write_all};
