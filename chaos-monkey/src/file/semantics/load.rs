//! What must hold in the load of a `GameDay`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Problem, problem, unknown};
use crate::file::KeyPath;
use crate::schema::{GameDaySpec, Rate, RequestTemplate, Step, System};

/// The port that devices talk to.
const USER_PORT: &str = "http";

/// Every mistake of a load.
pub(super) fn of_load(spec: &GameDaySpec, system: &System, services: &[&str]) -> Vec<Problem> {
    let load = &spec.load;
    let root = KeyPath::dotted("spec.load");
    let mut problems = Vec::new();
    match system.spec.services.get(&load.target) {
        None => problems.push(unknown(
            root.key("target"),
            &load.target,
            "service",
            services,
        )),
        Some(service) => {
            let ports = service.process.as_ref().map(|process| &process.ports);
            if ports.is_some_and(|ports| !ports.contains_key(USER_PORT)) {
                let message = format!("`{}` has no port called `{USER_PORT}`", load.target);
                problems.push(problem(root.key("target"), message));
            }
        }
    }
    rate(&load.rate, &root.key("rate"), &mut problems);
    let journeys = root.key("journeys");
    if load.journeys.is_empty() {
        problems.push(problem(
            journeys.clone(),
            "a load needs at least one journey",
        ));
    } else if load.journeys.values().all(|journey| journey.weight <= 0.0) {
        problems.push(problem(
            journeys.clone(),
            "all weights are 0: nobody would do anything",
        ));
    }
    let device = &load.device;
    if device.attempt_timeout.get().is_zero() || device.patience.get().is_zero() {
        problems.push(problem(
            root.key("device"),
            "patience and attemptTimeout must be longer than nothing",
        ));
    }

    let mut words = Words::of(spec);
    if let Some(users) = &load.users {
        let key = root.key("users").key("setup");
        for (index, step) in users.setup.iter().enumerate() {
            words.step(spec, step, &key.index(index), &mut problems);
        }
    }
    let in_session = words.clone();
    for (name, journey) in &load.journeys {
        let mut words = in_session.clone();
        let key = journeys.key(name).key("steps");
        for (index, step) in journey.steps.iter().enumerate() {
            words.step(spec, step, &key.index(index), &mut problems);
        }
    }
    problems
}

fn rate(rate: &Rate, key: &KeyPath, problems: &mut Vec<Problem>) {
    if let Rate::Ramp { over, .. } = rate
        && over.get().is_zero()
    {
        problems.push(problem(
            key.key("ramp").key("over"),
            "must be longer than nothing",
        ));
    }
    if let Rate::Steps(steps) = rate {
        for (index, step) in steps.iter().enumerate() {
            if step.r#for.get().is_zero() {
                let key = key.key("steps").index(index).key("for");
                problems.push(problem(key, "must be longer than nothing"));
            }
        }
    }
}

/// The words that have a value at one place of a load.
#[derive(Clone)]
struct Words {
    known: BTreeSet<String>,
    /// Words with a dot: any field of these.
    rows: BTreeSet<String>,
}

impl Words {
    fn of(spec: &GameDaySpec) -> Self {
        let mut rows: BTreeSet<String> = spec.load.datasets.keys().cloned().collect();
        if spec.load.users.is_some() {
            rows.insert("user".to_owned());
        }
        Self {
            known: BTreeSet::from(["sequence".to_owned(), "run".to_owned()]),
            rows,
        }
    }

    /// Checks a step and learns what it captures.
    fn step(
        &mut self,
        spec: &GameDaySpec,
        step: &Step,
        key: &KeyPath,
        problems: &mut Vec<Problem>,
    ) {
        self.request(&step.request, &key.key("request"), problems);
        self.known.extend(step.capture.keys().cloned());
        let Some(acknowledge) = &step.acknowledge else {
            return;
        };
        let key = key.key("acknowledge");
        self.text(&acknowledge.key, &key.key("key"), problems);
        self.text(&acknowledge.value, &key.key("value"), problems);
        if !spec.read_back.contains_key(&acknowledge.r#as) {
            let known: Vec<&str> = spec.read_back.keys().map(String::as_str).collect();
            let entry = "entry of `spec.readBack`";
            problems.push(unknown(key.key("as"), &acknowledge.r#as, entry, &known));
        }
    }

    fn request(&self, request: &RequestTemplate, key: &KeyPath, problems: &mut Vec<Problem>) {
        self.text(&request.path, &key.key("path"), problems);
        for (name, value) in &request.headers {
            self.text(value, &key.key("headers").key(name), problems);
        }
        if let Some(json) = &request.json {
            self.json(json, &key.key("json"), problems);
        }
    }

    fn json(&self, json: &Value, key: &KeyPath, problems: &mut Vec<Problem>) {
        match json {
            Value::String(text) => self.text(text, key, problems),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.json(item, &key.index(index), problems);
                }
            }
            Value::Object(entries) => {
                for (name, value) in entries {
                    self.json(value, &key.key(name), problems);
                }
            }
            _ => {}
        }
    }

    /// Every `${…}` of a text must have a value.
    fn text(&self, text: &str, key: &KeyPath, problems: &mut Vec<Problem>) {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once("${") {
            let Some((word, after)) = after.split_once('}') else {
                problems.push(problem(key.clone(), "`${` has no closing `}`"));
                return;
            };
            rest = after;
            let row = word.split_once('.').map(|(row, _)| row);
            let fits = self.known.contains(word) || row.is_some_and(|row| self.rows.contains(row));
            if !fits {
                let rows = self.rows.iter().map(|row| format!("{row}.FIELD"));
                let known: Vec<String> = self.known.iter().cloned().chain(rows).collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                problems.push(unknown(key.clone(), word, "word", &known));
            }
        }
    }
}
