//! What must hold in the requests of users: every `${…}` has a value where it stands.
//!
//! A step knows the row of its user, what was captured when the session was opened, the datasets,
//! `sequence`, and what the steps before it captured. What is read back knows what every step
//! knew that acknowledges into it.

use indexmap::IndexMap;
use serde_json::Value;

use super::words::Known;
use super::{Problem, Problems};
use crate::file::KeyPath;
use crate::schema::patterns::{HEADER_NAME, WORD};
use crate::schema::{Acknowledge, GameDaySpec, Kind, RequestTemplate, Step};

/// Every mistake in the requests of a game day.
pub(super) fn check(spec: &GameDaySpec, problems: &mut Problems) {
    let load = &spec.load;
    let root = KeyPath::dotted("spec.load");
    let mut walk = Walk {
        spec,
        promised: IndexMap::new(),
        astray: false,
    };
    let mut known = Known::of(["sequence"]);
    if let Some(users) = &load.users {
        known.add_row("user");
        known.depends_on(Kind::GameDay, root.key("users").key("setup"));
        let key = root.key("users").key("setup");
        walk.steps(&users.setup, &mut known, &key, problems);
    }
    known.depends_on(Kind::GameDay, root.key("users"));
    known.depends_on(Kind::GameDay, root.key("datasets"));
    for name in load.datasets.keys() {
        known.add_row(name);
    }
    for (name, journey) in &load.journeys {
        let key = root.key("journeys").key(name).key("steps");
        walk.steps(&journey.steps, &mut known.clone(), &key, problems);
    }
    walk.read_back(problems);
}

struct Walk<'spec> {
    spec: &'spec GameDaySpec,
    /// What is known wherever something is acknowledged, by the entry that looks after it.
    promised: IndexMap<&'spec str, Known>,
    /// Whether a step names an entry that is not there, so that the one it means looks forgotten.
    astray: bool,
}

impl<'spec> Walk<'spec> {
    /// Checks steps one after the other; each adds what it captures.
    fn steps(
        &mut self,
        steps: &'spec [Step],
        known: &mut Known,
        key: &KeyPath,
        problems: &mut Problems,
    ) {
        for (index, step) in steps.iter().enumerate() {
            let key = key.index(index);
            request(&step.request, known, &key.key("request"), problems);
            let capture = key.key("capture");
            for name in step.capture.keys() {
                problems.name(capture.key(name), name, WORD);
                known.add(name);
            }
            known.depends_on(Kind::GameDay, capture);
            if let Some(acknowledge) = &step.acknowledge {
                let key = key.key("acknowledge");
                self.acknowledge(acknowledge, known, &key, problems);
            }
        }
    }

    fn acknowledge(
        &mut self,
        acknowledge: &'spec Acknowledge,
        known: &Known,
        key: &KeyPath,
        problems: &mut Problems,
    ) {
        known.check(&acknowledge.key, &key.key("key"), problems);
        known.check(&acknowledge.value, &key.key("value"), problems);
        let name = acknowledge.r#as.as_str();
        if !self.spec.read_back.contains_key(name) {
            self.astray = true;
            let entries = self.spec.read_back.keys();
            let entries: Vec<&str> = entries.map(String::as_str).collect();
            let what = "entry of `spec.readBack`";
            let problem = super::unknown(key.key("as"), name, what, &entries);
            problems.push(problem.given(Kind::GameDay, "spec.readBack"));
        }
        let promised = self.promised.get(name).map(|earlier| earlier.and(known));
        self.promised
            .insert(name, promised.unwrap_or_else(|| known.clone()));
    }

    fn read_back(&self, problems: &mut Problems) {
        let root = KeyPath::dotted("spec.readBack");
        for (name, entry) in &self.spec.read_back {
            let key = root.key(name);
            problems.name(key.clone(), name, WORD);
            problems.zero(key.key("within"), entry.within);
            match self.promised.get(name.as_str()) {
                Some(known) => request(&entry.request, known, &key.key("request"), problems),
                None if self.astray => {}
                None => {
                    let message = format!(
                        "nothing would be read back: let a step say `acknowledge: {{as: {name}, …}}`"
                    );
                    let problem = Problem::new(key, message);
                    problems.push(problem.given_all(Kind::GameDay, "spec.load.journeys"));
                }
            }
        }
    }
}

fn request(request: &RequestTemplate, known: &Known, key: &KeyPath, problems: &mut Problems) {
    known.check(&request.path, &key.key("path"), problems);
    for (name, value) in &request.headers {
        let key = key.key("headers").key(name);
        problems.name(key.clone(), name, HEADER_NAME);
        known.check(value, &key, problems);
    }
    if let Some(value) = &request.json {
        json(known, value, &key.key("json"), problems);
    }
}

fn json(known: &Known, value: &Value, key: &KeyPath, problems: &mut Problems) {
    match value {
        Value::String(text) => known.check(text, key, problems),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                json(known, item, &key.index(index), problems);
            }
        }
        Value::Object(entries) => {
            for (name, value) in entries {
                json(known, value, &key.key(name), problems);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
