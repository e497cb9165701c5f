//! Reads files one after the other and keeps all their mistakes.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::nearest::{hint, nearest};
use super::semantics::{self, Mended, Problem};
use super::source::Source;
use super::tree::{self, Node};
use super::{Backend, Documents, KeyPath, Mistake, Mistakes, check};
use crate::schema::{API_VERSION, Agent, GameDay, Kind, System, json_schema};

/// The size of the largest file, in bytes: far more than a person writes.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// A resource, mended where it had mistakes, and where it came from.
struct Draft<Resource> {
    resource: Resource,
    source: Rc<Source>,
    tree: Node,
    mended: Vec<KeyPath>,
}

/// Reads files one after the other.
pub(super) struct Reader {
    known: Vec<System>,
    backend: Backend,
    systems: Vec<Draft<System>>,
    game_days: Vec<Draft<GameDay>>,
    agents: Vec<Draft<Agent>>,
    /// With the order of their files.
    mistakes: Vec<(usize, Mistake)>,
    files: usize,
    /// Whether a system may stand in what could not be read.
    incomplete: bool,
}

impl Reader {
    /// A reader that knows some systems already.
    pub(super) fn new(known: &[System]) -> Self {
        Self {
            known: known.to_vec(),
            backend: Backend::default(),
            systems: Vec::new(),
            game_days: Vec::new(),
            agents: Vec::new(),
            mistakes: Vec::new(),
            files: 0,
            incomplete: false,
        }
    }

    /// The same, for game days that must fit a place where they are to be run.
    pub(super) fn of(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    pub(super) fn read_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match text_of(path) {
            Ok(text) => self.read_text(&name, &text),
            Err(why) => {
                let source = self.next_source(&name, "");
                self.incomplete = true;
                self.push(&source, source.mistake_of_all(why));
            }
        }
    }

    pub(super) fn read_text(&mut self, name: &str, text: &str) {
        let source = Rc::new(self.next_source(name, text));
        let parsed = tree::parse(text);
        if parsed.documents.is_empty() && parsed.errors.is_empty() {
            let message =
                "is empty: write a `kind: System`, a `kind: GameDay` or a `kind: Agent`".to_owned();
            self.push(&source, source.mistake_of_all(message));
        }
        self.incomplete |= parsed.broken_off;
        for error in parsed.errors {
            self.push(
                &source,
                source.mistake(error.at, error.key, None, error.message),
            );
        }
        for document in parsed.documents {
            self.document(&source, document);
        }
    }

    /// Reads what stands in no file, so that its mistakes have keys and no lines.
    pub(super) fn read_value(&mut self, name: &str, value: &serde_json::Value) {
        let source = Rc::new(self.next_source(name, ""));
        self.document(&source, Node::from_json(value));
    }

    /// Everything that was read, or all mistakes in it.
    pub(super) fn finish(mut self) -> Result<Documents, Mistakes> {
        self.names_that_stand_twice();
        let systems = std::mem::take(&mut self.systems);
        for draft in &systems {
            let mended = Mended {
                system: &draft.mended,
                ..Mended::default()
            };
            let problems = semantics::of_system(&draft.resource, &mended);
            self.place(draft, problems);
        }
        for draft in std::mem::take(&mut self.game_days) {
            let problems = self.problems_of_game_day(&draft, &systems);
            self.place(&draft, problems);
            self.game_days.push(draft);
        }
        let mut agents = Vec::new();
        for draft in std::mem::take(&mut self.agents) {
            let mended = Mended {
                agent: &draft.mended,
                ..Mended::default()
            };
            let problems = semantics::of_agent(&draft.resource, &mended);
            self.place(&draft, problems);
            agents.push(draft.resource);
        }
        if !self.mistakes.is_empty() {
            return Err(in_order(self.mistakes));
        }
        let read = systems.into_iter().map(|draft| draft.resource);
        Ok(Documents {
            systems: self.known.into_iter().chain(read).collect(),
            game_days: self
                .game_days
                .into_iter()
                .map(|draft| draft.resource)
                .collect(),
            agents,
        })
    }

    fn document(&mut self, source: &Rc<Source>, tree: Node) {
        let kind_named = tree.get("kind").and_then(Node::text);
        match kind_named.and_then(Kind::named) {
            Some(Kind::System) => {
                if let Some(draft) = self.draft::<System>(Kind::System, source, tree) {
                    let name = KeyPath::dotted("metadata.name");
                    self.incomplete |= draft.mended.iter().any(|place| name.is_within(place));
                    self.systems.push(draft);
                }
            }
            Some(Kind::GameDay) => {
                let draft = self.draft::<GameDay>(Kind::GameDay, source, tree);
                self.game_days.extend(draft);
            }
            Some(Kind::Agent) => {
                let draft = self.draft::<Agent>(Kind::Agent, source, tree);
                self.agents.extend(draft);
            }
            None => {
                self.incomplete = true;
                self.push(source, without_kind(source, &tree));
            }
        }
    }

    fn draft<Resource: DeserializeOwned>(
        &mut self,
        kind: Kind,
        source: &Rc<Source>,
        tree: Node,
    ) -> Option<Draft<Resource>> {
        let checked = check::check(json_schema(kind).as_value(), &tree);
        for found in checked.found {
            let mistake = source.mistake(found.at, found.key, found.value, found.message);
            self.push(source, mistake);
        }
        match Resource::deserialize(&checked.mended) {
            Ok(resource) => Some(Draft {
                resource,
                source: Rc::clone(source),
                tree,
                mended: checked.places,
            }),
            // The schema is made from the same types: this is what it cannot say.
            Err(error) => {
                self.incomplete = true;
                let mistake = source.mistake(tree.at, KeyPath::root(), None, error.to_string());
                self.push(source, mistake);
                None
            }
        }
    }

    fn problems_of_game_day(
        &self,
        draft: &Draft<GameDay>,
        systems: &[Draft<System>],
    ) -> Vec<Problem> {
        let game_day = &draft.resource;
        let name = &game_day.spec.system;
        let known = self.known.iter().map(|system| (system, &[][..]));
        let read = systems
            .iter()
            .map(|draft| (&draft.resource, draft.mended.as_slice()));
        let all: Vec<(&System, &[KeyPath])> = known.chain(read).collect();
        let found = all.iter().find(|(system, _)| system.metadata.name == *name);
        if let Some((system, mended)) = found {
            let mended = Mended {
                system: mended,
                game_day: &draft.mended,
                ..Mended::default()
            };
            return semantics::of_game_day(game_day, system, self.backend, &mended);
        }
        let key = KeyPath::dotted("spec.system");
        if self.incomplete || draft.mended.iter().any(|place| key.is_within(place)) {
            return Vec::new();
        }
        let names: Vec<&str> = all
            .iter()
            .map(|(system, _)| system.metadata.name.as_str())
            .collect();
        let hint = match names.as_slice() {
            [] => "give the file that holds it, too".to_owned(),
            names => hint(name, names),
        };
        vec![
            Problem::new(
                key,
                format!("there is no system `{name}` in these files: {hint}"),
            )
            .with_value(name),
        ]
    }

    /// Two systems, or two game days, of one name.
    fn names_that_stand_twice(&mut self) {
        let known: Vec<(String, String)> = self
            .known
            .iter()
            .map(|system| (system.metadata.name.clone(), "known already".to_owned()))
            .collect();
        let systems = repeated(
            known,
            self.systems.iter().map(|draft| {
                let name = draft.resource.metadata.name.as_str();
                (
                    name,
                    draft.source.as_ref(),
                    &draft.tree,
                    draft.mended.as_slice(),
                )
            }),
        );
        let game_days = repeated(
            Vec::new(),
            self.game_days.iter().map(|draft| {
                let name = draft.resource.metadata.name.as_str();
                (
                    name,
                    draft.source.as_ref(),
                    &draft.tree,
                    draft.mended.as_slice(),
                )
            }),
        );
        let agents = repeated(
            Vec::new(),
            self.agents.iter().map(|draft| {
                let name = draft.resource.metadata.name.as_str();
                (
                    name,
                    draft.source.as_ref(),
                    &draft.tree,
                    draft.mended.as_slice(),
                )
            }),
        );
        let all = systems.into_iter().chain(game_days).chain(agents);
        self.mistakes.extend(all);
    }

    /// Finds where problems stand.
    fn place<Resource>(&mut self, draft: &Draft<Resource>, problems: Vec<Problem>) {
        for problem in problems {
            let at = if problem.of_key {
                draft.tree.position_of_key(&problem.key)
            } else {
                draft.tree.position(&problem.key)
            };
            let mistake = draft
                .source
                .mistake(at, problem.key, problem.value, problem.message);
            self.push(&draft.source, mistake);
        }
    }

    fn next_source(&mut self, name: &str, text: &str) -> Source {
        let source = Source::new(self.files, name, text);
        self.files += 1;
        source
    }

    fn push(&mut self, source: &Source, mistake: Mistake) {
        self.mistakes.push((source.order, mistake));
    }
}

/// The text of a file, or why it cannot be had.
fn text_of(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(format!(
            "is larger than {} MiB: give a file that a person wrote",
            LARGEST_FILE / (1024 * 1024)
        ));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8: save it as UTF-8".to_owned())
}

/// What to say of a document that is neither a system nor a game day.
fn without_kind(source: &Source, tree: &Node) -> Mistake {
    let names = Kind::ALL.map(Kind::as_str);
    let Some(kind) = tree.get("kind") else {
        let message = format!(
            "the key `kind` is missing: begin with `apiVersion: {API_VERSION}` and \
             `kind: System`, `kind: GameDay` or `kind: Agent`"
        );
        return source.mistake(tree.at, KeyPath::root(), None, message);
    };
    let given = kind.value.shown();
    let hint = match nearest(&given, &names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("expected {}", names.join(" or ")),
    };
    let message = format!("there is no kind `{given}`: {hint}");
    source.mistake(kind.at, KeyPath::dotted("kind"), Some(given), message)
}

/// Complains of each name that was there before.
fn repeated<'draft>(
    mut seen: Vec<(String, String)>,
    drafts: impl Iterator<Item = (&'draft str, &'draft Source, &'draft Node, &'draft [KeyPath])>,
) -> Vec<(usize, Mistake)> {
    let key = KeyPath::dotted("metadata.name");
    let mut mistakes = Vec::new();
    for (name, source, tree, mended) in drafts {
        if mended.iter().any(|place| key.is_within(place)) {
            continue;
        }
        let at = tree.position(&key);
        match seen.iter().find(|(earlier, _)| earlier == name) {
            Some((_, place)) => {
                let message = format!("`{name}` is there already ({place}): choose another name");
                let value = Some(name.to_owned());
                let mistake = source.mistake(at, key.clone(), value, message);
                mistakes.push((source.order, mistake));
            }
            None => seen.push((name.to_owned(), source.line(at))),
        }
    }
    mistakes
}

/// The mistakes in the order in which they stand.
fn in_order(mut mistakes: Vec<(usize, Mistake)>) -> Mistakes {
    mistakes.sort_by_key(|(order, mistake)| {
        let place = mistake.place.as_ref();
        (*order, place.map(|place| (place.line, place.column)))
    });
    Mistakes(mistakes.into_iter().map(|(_, mistake)| mistake).collect())
}
