//! Why a load cannot begin.

use std::path::PathBuf;
use std::time::Duration;

use super::template::TemplateError;
use crate::journal::Cause;

/// Why a load cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file of rows cannot be read.
    #[error("cannot read the rows of `{}`: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line of a file of rows is not a JSON object. The line itself is not shown: it may hold
    /// a password.
    #[error("line {line} of `{}` is not a JSON object: write one object per line", file.display())]
    NotARow {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// A file of rows is empty.
    #[error("`{}` has no rows: write one JSON object per line", file.display())]
    NoRows {
        /// The file.
        file: PathBuf,
    },
    /// A Zipf exponent is negative or not a number.
    #[error("a zipf exponent of {zipf} over {rows} rows is impossible: write a number from 0 to 5")]
    Popularity {
        /// How many rows there are.
        rows: usize,
        /// The exponent.
        zipf: f64,
    },
    /// No journey ever happens.
    #[error("no journey has a weight above 0: give at least one a positive weight")]
    NoJourneyWeight,
    /// The target has no instance.
    #[error("the load's target has no instance to send requests to")]
    NoEndpoint,
    /// A placeholder is not written properly.
    #[error("{place}: {source}")]
    Template {
        /// Journey and step.
        place: String,
        /// What is wrong.
        source: TemplateError,
    },
    /// A placeholder stands for nothing.
    #[error("{place}: `${{{name}}}` is not known here: use {known}")]
    UnknownName {
        /// Journey and step.
        place: String,
        /// The name.
        name: String,
        /// What would be known.
        known: String,
    },
    /// A row lacks a field that a journey uses.
    #[error("row {row} of {rows} has no `{field}`, which {place} uses")]
    MissingField {
        /// Journey and step.
        place: String,
        /// The users or the dataset.
        rows: String,
        /// The row, counted from 1.
        row: usize,
        /// The field.
        field: String,
    },
    /// A header's name is impossible.
    #[error("{place}: `{name}` is not the name of a header")]
    HeaderName {
        /// Journey and step.
        place: String,
        /// The name.
        name: String,
    },
    /// A step acknowledges what nothing reads back.
    #[error("{place}: `{name}` is not an entry of `readBack`")]
    UnknownReadBack {
        /// Journey and step.
        place: String,
        /// The name.
        name: String,
    },
    /// A session cannot be opened.
    #[error(
        "user {user} (counted from 0) cannot open a session: step `{step}` ended with {}",
        describe(cause)
    )]
    Session {
        /// The row of the user, counted from 0.
        user: usize,
        /// The step of the set-up.
        step: String,
        /// How its last attempt ended.
        cause: Cause,
    },
    /// Not all sessions were open in time.
    #[error("only {opened} of {users} sessions were open within {}s", within.as_secs())]
    SessionsLate {
        /// How many were open.
        opened: usize,
        /// How many there are.
        users: usize,
        /// How long it may take.
        within: Duration,
    },
}

fn describe(cause: &Cause) -> String {
    match cause {
        Cause::Status(status) => format!("status {status}"),
        Cause::Timeout => "a timeout".to_owned(),
        Cause::Refused => "a refused connection".to_owned(),
        Cause::Reset => "a broken connection".to_owned(),
        Cause::Malformed => {
            "an answer that cannot be understood or lacks what was to be captured".to_owned()
        }
    }
}
