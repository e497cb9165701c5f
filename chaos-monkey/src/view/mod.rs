//! Views of a game day: each a file, each a fold over the journal and nothing else.
//!
//! | view | file | for |
//! |---|---|---|
//! | [`json`] | `verdict.json` | machines |
//! | [`markdown`] | `summary.md` | pull requests and chats |
//! | [`junit`] | `junit.xml` | CI |
//! | [`html`] | `report.html` | people |
//! | [`block()`] | the end of the terminal's output | whoever ran it |
//! | [`lines`] | a line a second | logs |
//! | [`terminal`] | the live display | whoever watches |
//! | [`compare`] | two runs side by side | the doubtful |

mod block;
pub mod compare;
mod display;
mod html;
mod junit;
pub mod lines;
mod markdown;
pub mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod verdict_json;
mod write;

pub use block::block;
pub use display::{Display, Output};
pub use html::html;
pub use junit::junit;
pub use markdown::markdown;
pub use verdict_json::{VERDICT_VERSION, json};
pub use write::{JOURNAL_FILE, ViewError, rebuild, write_all};
