//! The files that a person writes: read with every mistake named and placed.
//!
//! A file is parsed into a tree that knows its positions, the tree is checked against the JSON
//! schema of its kind and mended, the mended tree becomes a typed resource, and that is checked
//! for what no schema can say: unknown services, faults after the end, guards that would veto for
//! ever. All mistakes of all files come out together, in the order in which they stand.

mod backend;
mod check;
mod documents;
mod mistake;
mod nearest;
mod reader;
mod semantics;
mod source;
mod tree;
mod write;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

pub use backend::Backend;
pub use documents::Documents;
pub use mistake::{KeyPath, Mistake, Mistakes, Place};
pub use write::to_yaml;

use crate::schema::{GameDay, Kind, System};
use check::Checked;
use reader::Reader;
use semantics::{Mended, Problem};
use tree::Node;

/// Reads files and checks everything in them.
///
/// # Errors
/// Every mistake of every file.
pub fn load(paths: &[PathBuf]) -> Result<Documents, Mistakes> {
    load_for(paths, Backend::Any)
}

/// Reads files whose game days must fit a place where they are to be run.
///
/// # Errors
/// Every mistake of every file.
pub fn load_for(paths: &[PathBuf], backend: Backend) -> Result<Documents, Mistakes> {
    read(paths, Reader::new(&[]).of(backend))
}

/// Reads files whose game days may also name systems that are known already.
///
/// # Errors
/// Every mistake of every file.
pub fn load_with(paths: &[PathBuf], known: &[System]) -> Result<Documents, Mistakes> {
    read(paths, Reader::new(known))
}

fn read(paths: &[PathBuf], mut reader: Reader) -> Result<Documents, Mistakes> {
    for path in paths {
        reader.read_file(path);
    }
    reader.finish()
}

/// Reads a text as if it were a file of that name.
///
/// # Errors
/// Every mistake in it.
pub fn load_text(name: &str, text: &str, known: &[System]) -> Result<Documents, Mistakes> {
    let mut reader = Reader::new(known);
    reader.read_text(name, text);
    reader.finish()
}

/// Reads resources that stand in no file, each under a name for whoever reads of its mistakes.
///
/// # Errors
/// Every mistake in them, with its key.
pub fn load_values(values: &[(String, Value)], backend: Backend) -> Result<Documents, Mistakes> {
    let mut reader = Reader::new(&[]).of(backend);
    for (name, value) in values {
        reader.read_value(name, value);
    }
    reader.finish()
}

/// Checks a system that was built in code; its mistakes have keys and no places.
pub fn check_system(system: &System) -> Vec<Mistake> {
    let checked = check_value(Kind::System, system);
    let mended = Mended {
        system: &checked.places,
        ..Mended::default()
    };
    let problems = semantics::of_system(system, &mended);
    unplaced(checked, problems)
}

/// Checks a game day that was built in code, against its system; its mistakes have keys and no
/// places. The system is checked by [`check_system`].
pub fn check_game_day(game_day: &GameDay, system: &System) -> Vec<Mistake> {
    let checked = check_value(Kind::GameDay, game_day);
    let mended = Mended {
        game_day: &checked.places,
        ..Mended::default()
    };
    let problems = semantics::of_game_day(game_day, system, Backend::Any, &mended);
    unplaced(checked, problems)
}

/// What is built in code is held against the same schema as what is read.
fn check_value(kind: Kind, resource: &impl Serialize) -> Checked {
    // Keys of maps are texts in every resource, so that this cannot fail; if it did, null would
    // be refused as a document.
    let json = serde_json::to_value(resource).unwrap_or_default();
    check::check(
        crate::schema::json_schema(kind).as_value(),
        &Node::from_json(&json),
    )
}

fn unplaced(checked: Checked, problems: Vec<Problem>) -> Vec<Mistake> {
    let found = checked.found.into_iter().map(|found| Mistake {
        place: None,
        key: found.key,
        value: found.value,
        message: found.message,
    });
    let problems = problems.into_iter().map(|problem| Mistake {
        place: None,
        key: problem.key,
        value: problem.value,
        message: problem.message,
    });
    found.chain(problems).collect()
}

#[cfg(test)]
mod tests;
