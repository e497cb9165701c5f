//! Finding every mistake at once.
//!
//! Deserialising ends at the first mistake, and a part speaks of its first one alone. So what is
//! wrong is noted and left out, and what remains is read and judged again, until nothing more is
//! wrong: as often as there are mistakes.

use config::{Value, ValueKind};
use serde_path_to_error::{Path, Segment};

use super::{Mistake, Settings};

/// The settings, or what is wrong with them.
pub(super) fn read(mut tree: Value) -> Result<Settings, Vec<Mistake>> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    loop {
        let found = match serde_path_to_error::deserialize(tree.clone()) {
            Ok(settings) => judge(&settings, &mistakes),
            Err(error) => vec![unreadable(&error)],
        };
        if found.is_empty() {
            break;
        }
        // The lack of a key that was left out is no mistake of its own.
        let of_them = |table: &Mistake| mistakes.iter().any(|it| it.is_inside(table));
        let news: Vec<Mistake> = found.iter().filter(|it| !of_them(it)).cloned().collect();
        mistakes.extend(news);
        let mut is_less = false;
        for mistake in &found {
            is_less |= remove(&mut tree, mistake.path());
        }
        if !is_less {
            break;
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    serde_path_to_error::deserialize(tree).map_err(|error| vec![unreadable(&error)])
}

/// What parts cannot work with, in stacks whose values can all be read.
fn judge(settings: &Settings, mistakes: &[Mistake]) -> Vec<Mistake> {
    let is_read = |mistake: &Mistake| !mistakes.iter().any(|it| it.path() == mistake.path());
    let mut found = settings.mistakes();
    found.retain(is_read);
    found
}

fn unreadable(error: &serde_path_to_error::Error<config::ConfigError>) -> Mistake {
    Mistake::new(written(error.path()), error.inner().to_string())
}

fn written(path: &Path) -> String {
    let keys = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    keys.collect::<Vec<_>>().join(".")
}

/// Takes out what stands at a path, or the smallest part of the tree that has it; whether there
/// was something to take out.
fn remove(tree: &mut Value, path: &str) -> bool {
    match &mut tree.kind {
        ValueKind::Table(table) => {
            // Names of stacks may have dots, too.
            let Some(key) = table
                .keys()
                .filter(|key| is_beginning(key, path))
                .max_by_key(|key| key.len())
                .cloned()
            else {
                return false;
            };
            let rest = path.get(key.len() + 1..).unwrap_or_default();
            let is_deeper = !rest.is_empty();
            let child = table.get_mut(&key);
            if is_deeper && child.is_some_and(|child| remove(child, rest)) {
                return true;
            }
            table.remove(&key).is_some()
        }
        // A list goes as a whole: without one item the others would be numbered anew.
        _ => false,
    }
}

fn is_beginning(key: &str, path: &str) -> bool {
    path.strip_prefix(key)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
