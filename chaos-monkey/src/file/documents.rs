//! What a set of files holds.

use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::check::{self, Found};
use super::semantics::{self, Problem};
use super::tree::{self, Node, Position};
use super::{KeyPath, Mistake, Mistakes, Place};
use crate::schema::{API_VERSION, GameDay, Kind, System, json_schema};

/// The resources of a set of files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Documents {
    /// The systems, in the order in which they were read; known ones first.
    pub systems: Vec<System>,
    /// The game days, in the order in which they were read.
    pub game_days: Vec<GameDay>,
}

impl Documents {
    /// The game day of this name and its system, or the only one if no name is given.
    ///
    /// # Errors
    /// Says which names there are.
    pub fn game_day(&self, name: Option<&str>) -> Result<(&GameDay, &System), Mistake> {
        let names: Vec<&str> = self
            .game_days
            .iter()
            .map(|game_day| game_day.metadata.name.as_str())
            .collect();
        let game_day = match (name, self.game_days.as_slice()) {
            (Some(name), all) => all.iter().find(|one| one.metadata.name == name),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let game_day = game_day.ok_or_else(|| {
            plain(match names.as_slice() {
                [] => {
                    "there is no game day in these files: give one with `kind: GameDay`".to_owned()
                }
                names => format!("name one of the game days: {}", names.join(", ")),
            })
        })?;
        let system = self.system(&game_day.spec.system).ok_or_else(|| {
            plain(format!(
                "there is no system `{}` in these files: give the file that holds it, too",
                game_day.spec.system
            ))
        })?;
        Ok((game_day, system))
    }

    fn system(&self, name: &str) -> Option<&System> {
        self.systems
            .iter()
            .find(|system| system.metadata.name == name)
    }
}

/// Reads files and checks everything in them.
///
/// # Errors
/// Every mistake of every file.
pub fn load(paths: &[PathBuf]) -> Result<Documents, Mistakes> {
    load_with(paths, &[])
}

/// Reads files whose game days may also name systems that are known already.
///
/// # Errors
/// Every mistake of every file.
pub fn load_with(paths: &[PathBuf], known: &[System]) -> Result<Documents, Mistakes> {
    let mut reader = Reader::new(known);
    for path in paths {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => reader.read(&name, &text),
            Err(error) => reader
                .mistakes
                .push(Mistake::of_file(&name, format!("cannot be read: {error}"))),
        }
    }
    reader.finish()
}

/// Reads a text as if it were a file of that name.
///
/// # Errors
/// Every mistake in it.
pub fn load_text(name: &str, text: &str, known: &[System]) -> Result<Documents, Mistakes> {
    let mut reader = Reader::new(known);
    reader.read(name, text);
    reader.finish()
}

/// Checks a system that was built in code; its mistakes have keys and no places.
pub fn check_system(system: &System) -> Vec<Mistake> {
    semantics::of_system(system)
        .into_iter()
        .map(unplaced)
        .collect()
}

/// Checks a game day that was built in code, against its system; its mistakes have keys and no
/// places.
pub fn check_game_day(game_day: &GameDay, system: &System) -> Vec<Mistake> {
    semantics::of_game_day(game_day, system)
        .into_iter()
        .map(unplaced)
        .collect()
}

fn unplaced(problem: Problem) -> Mistake {
    Mistake {
        place: None,
        key: problem.key,
        value: problem.value,
        message: problem.message,
    }
}

fn plain(message: String) -> Mistake {
    Mistake {
        place: None,
        key: KeyPath::root(),
        value: None,
        message,
    }
}

/// A document whose form is right, with where it came from.
struct Read<T> {
    resource: T,
    source: Source,
    tree: Node,
}

/// A file.
#[derive(Clone)]
struct Source {
    name: String,
    lines: Vec<String>,
}

impl Source {
    fn mistake(
        &self,
        at: Position,
        key: KeyPath,
        value: Option<String>,
        message: String,
    ) -> Mistake {
        Mistake {
            place: Some(Place {
                file: self.name.clone(),
                line: at.line,
                column: at.column,
                source: self
                    .lines
                    .get(at.line.saturating_sub(1))
                    .cloned()
                    .unwrap_or_default(),
            }),
            key,
            value,
            message,
        }
    }
}

struct Reader {
    known: Vec<System>,
    systems: Vec<Read<System>>,
    game_days: Vec<Read<GameDay>>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn new(known: &[System]) -> Self {
        Self {
            known: known.to_vec(),
            systems: Vec::new(),
            game_days: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    fn read(&mut self, name: &str, text: &str) {
        let source = Source {
            name: name.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
        };
        match tree::parse(text) {
            Ok(documents) if documents.is_empty() => self.mistakes.push(Mistake::of_file(
                name,
                "is empty: write a `kind: System` or a `kind: GameDay`".to_owned(),
            )),
            Ok(documents) => {
                for document in documents {
                    self.document(&source, document);
                }
            }
            Err(error) => {
                let mistake = source.mistake(error.at, KeyPath::root(), None, error.message);
                self.mistakes.push(mistake);
            }
        }
    }

    fn document(&mut self, source: &Source, tree: Node) {
        let kinds = [Kind::System.as_str(), Kind::GameDay.as_str()];
        let found = match tree.get("kind").and_then(Node::text) {
            Some("System") => {
                let found = check::check(&json_schema(Kind::System), &tree);
                if found.is_empty() {
                    read_into(&mut self.systems, &mut self.mistakes, source, tree);
                    return;
                }
                found
            }
            Some("GameDay") => {
                let found = check::check(&json_schema(Kind::GameDay), &tree);
                if found.is_empty() {
                    read_into(&mut self.game_days, &mut self.mistakes, source, tree);
                    return;
                }
                found
            }
            Some(other) => {
                let meant = check::nearest(other, &kinds)
                    .map_or_else(String::new, |meant| format!(" did you mean `{meant}`?"));
                let at = tree.get("kind").map_or(tree.at, |node| node.at);
                vec![Found {
                    at,
                    key: KeyPath::dotted("kind"),
                    value: Some(other.to_owned()),
                    message: format!("`{other}` is no kind: expected System or GameDay.{meant}"),
                }]
            }
            None => vec![Found {
                at: tree.at,
                key: KeyPath::root(),
                value: None,
                message: format!(
                    "the key `kind` is missing: begin with `apiVersion: {API_VERSION}` and \
                     `kind: System` or `kind: GameDay`"
                ),
            }],
        };
        let mistakes = found
            .into_iter()
            .map(|found| source.mistake(found.at, found.key, found.value, found.message));
        self.mistakes.extend(mistakes);
    }

    fn finish(mut self) -> Result<Documents, Mistakes> {
        let mut documents = Documents {
            systems: self.known,
            game_days: Vec::new(),
        };
        for read in &self.systems {
            place(
                &mut self.mistakes,
                read,
                semantics::of_system(&read.resource),
            );
            documents.systems.push(read.resource.clone());
        }
        for read in &self.game_days {
            let name = &read.resource.spec.system;
            let problems = match documents.system(name) {
                Some(system) => semantics::of_game_day(&read.resource, system),
                // A system with mistakes of its own is not missing.
                None if self.mistakes.is_empty() => {
                    let names: Vec<&str> = documents
                        .systems
                        .iter()
                        .map(|system| system.metadata.name.as_str())
                        .collect();
                    vec![semantics::unknown("spec.system", name, "system", &names)]
                }
                None => Vec::new(),
            };
            place(&mut self.mistakes, read, problems);
            documents.game_days.push(read.resource.clone());
        }
        if self.mistakes.is_empty() {
            return Ok(documents);
        }
        self.mistakes.sort_by_key(|mistake| {
            let place = mistake.place.as_ref();
            place.map(|place| (place.file.clone(), place.line, place.column))
        });
        Err(Mistakes(self.mistakes))
    }
}

fn read_into<T: DeserializeOwned>(
    all: &mut Vec<Read<T>>,
    mistakes: &mut Vec<Mistake>,
    source: &Source,
    tree: Node,
) {
    match serde_json::from_value(tree.to_json()) {
        Ok(resource) => all.push(Read {
            resource,
            source: source.clone(),
            tree,
        }),
        // The schema comes from the same types: this is what it cannot say.
        Err(error) => {
            mistakes.push(source.mistake(tree.at, KeyPath::root(), None, error.to_string()));
        }
    }
}

/// Finds where problems stand.
fn place<T>(mistakes: &mut Vec<Mistake>, read: &Read<T>, problems: Vec<Problem>) {
    for problem in problems {
        let at = position(&read.tree, &problem.key);
        mistakes.push(
            read.source
                .mistake(at, problem.key, problem.value, problem.message),
        );
    }
}

/// Where a key's value stands, or the nearest that there is around it.
fn position(tree: &Node, key: &KeyPath) -> Position {
    let mut node = tree;
    for segment in key.segments() {
        let next = match segment {
            super::mistake::Segment::Key(key) => node.get(key),
            super::mistake::Segment::Index(index) => node.item(*index),
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node.at
}
