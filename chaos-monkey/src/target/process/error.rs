//! Why a system cannot be started.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::ports::PortError;
use super::words::WordError;

/// Why a system cannot be started. Whatever had been started is stopped again.
#[derive(Debug, Error)]
pub enum StartError {
    /// A service has no binding to local processes.
    #[error("services.{service} has no `process` binding: say how it runs as a local process")]
    NoProcess {
        /// The service.
        service: String,
    },
    /// A port cannot be had.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A check or the events use a port that is not there.
    #[error("{key}: there is no port `{port}`: name one of `ports`")]
    NoPort {
        /// Where it is used.
        key: String,
        /// Its name.
        port: String,
    },
    /// A command has no program.
    #[error("{key}: is empty: write the program and its arguments")]
    EmptyCommand {
        /// Where it stands.
        key: String,
    },
    /// A command or a variable contains an unknown word.
    #[error("{key}: {source}")]
    Word {
        /// Where it stands.
        key: String,
        /// What is wrong.
        source: WordError,
    },
    /// A program does not exist.
    #[error("{key}: `{program}` {problem}")]
    Program {
        /// Where it stands.
        key: String,
        /// The program.
        program: String,
        /// What is wrong with it, and what would be right.
        problem: &'static str,
    },
    /// A secret cannot be drawn.
    #[error("cannot draw the run's secrets: {0}")]
    Secrets(io::Error),
    /// A log cannot be written.
    #[error("cannot write the log {}: {source}", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The guardian cannot be started.
    #[error("cannot start the guardian `{}`, without which processes could be left behind: {source}", program.display())]
    Guardian {
        /// Its program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system starts no more processes.
    #[error("cannot start {what}: {source}")]
    Spawn {
        /// The instance or command.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The command `prepare` failed.
    #[error("prepare.command {how}; {log}")]
    Prepare {
        /// How it ended.
        how: String,
        /// The last lines it wrote.
        log: String,
    },
    /// An instance did not become ready.
    #[error("{instance} {how}; {log}")]
    NotReady {
        /// Which.
        instance: String,
        /// What happened instead.
        how: String,
        /// The last lines it wrote.
        log: String,
    },
}
