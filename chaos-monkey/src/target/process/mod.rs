//! Local processes: any command in any language, with replicas and a health check.
//!
//! ```text
//! engine ──spawn──▶ launcher ──exec──▶ instance        (each in a process group of its own)
//!    └────pipe────▶ guardian: at its end, kills every group that is still there
//! ```
//!
//! One task per instance (`supervisor`) owns its process: only that task signals it, and only
//! before it has collected the exit status, so that a process id that was given to somebody else
//! is never hit.

mod child;
mod error;
pub mod guardian;
mod health;
mod life;
mod logs;
mod memory;
mod ports;
mod prepare;
mod run_dir;
mod secrets;
mod spec;
mod supervisor;
mod system;
mod words;

pub use error::StartError;
pub use prepare::prepare;
pub use run_dir::RunDir;
pub use secrets::Secrets;
pub use system::{ProcessOptions, ProcessTarget};
