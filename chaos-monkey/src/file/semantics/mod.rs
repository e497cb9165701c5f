//! What no schema can say: names that must exist, numbers that must fit each other.

mod agent;
mod bindings;
mod faults;
mod guards;
mod load;
mod pods;
mod requests;
mod steady_state;
mod system;
mod timeline;
mod words;

use super::nearest::hint;
use super::{Backend, KeyPath};
use crate::schema::{Agent, GameDay, Kind, Span, System, patterns};

/// A mistake by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) key: KeyPath,
    pub(super) value: Option<String>,
    pub(super) message: String,
    /// Whether the key itself is wrong, and not its value.
    pub(super) of_key: bool,
    /// What it was concluded from, apart from the value of the key itself.
    because: Vec<Because>,
}

/// Something that a problem was concluded from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Because {
    kind: Kind,
    key: KeyPath,
    /// Whether everything inside of it counts, or only that it is there.
    and_inside: bool,
}

/// The places of resources where mistakes were mended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mended<'places> {
    pub(super) system: &'places [KeyPath],
    pub(super) game_day: &'places [KeyPath],
    pub(super) agent: &'places [KeyPath],
}

/// Every mistake of a system that does not come from a place that was mended.
pub(super) fn of_system(system: &System, mended: &Mended<'_>) -> Vec<Problem> {
    let mut problems = Problems::default();
    system::check(system, &mut problems);
    problems.standing(Kind::System, mended)
}

/// Every mistake of the settings of an agent that does not come from a place that was mended.
pub(super) fn of_agent(agent: &Agent, mended: &Mended<'_>) -> Vec<Problem> {
    let mut problems = Problems::default();
    agent::check(&agent.spec, &mut problems);
    problems.standing(Kind::Agent, mended)
}

/// Every mistake of a game day, given its system and where it is to be run, that does not come from a place that was mended.
pub(super) fn of_game_day(
    game_day: &GameDay,
    system: &System,
    backend: Backend,
    mended: &Mended<'_>,
) -> Vec<Problem> {
    let spec = &game_day.spec;
    let mut problems = Problems::default();
    bindings::check(spec, system, backend, &mut problems);
    load::check(&spec.load, system, backend, &mut problems);
    requests::check(spec, &mut problems);
    steady_state::check(spec, &mut problems);
    timeline::check(spec, system, backend, &mut problems);
    guards::check(&spec.guards, system, &mut problems);
    problems.standing(Kind::GameDay, mended)
}

impl Problem {
    /// A mistake without a value.
    pub(super) fn new(key: KeyPath, message: impl Into<String>) -> Self {
        Self {
            key,
            value: None,
            message: message.into(),
            of_key: false,
            because: Vec::new(),
        }
    }

    /// The same with the value as it was written.
    pub(super) fn with_value(self, value: impl ToString) -> Self {
        Self {
            value: Some(value.to_string()),
            ..self
        }
    }

    /// Says that the key itself is wrong, and not its value.
    fn of_key(self) -> Self {
        Self {
            of_key: true,
            ..self
        }
    }

    /// Says that it was concluded from this, too: if it was mended, nothing is concluded.
    fn given(self, kind: Kind, key: impl Into<KeyPath>) -> Self {
        self.because(kind, key, false)
    }

    /// Says that it was concluded from this and all that is inside of it.
    fn given_all(self, kind: Kind, key: impl Into<KeyPath>) -> Self {
        self.because(kind, key, true)
    }

    fn because(mut self, kind: Kind, key: impl Into<KeyPath>, and_inside: bool) -> Self {
        self.because.push(Because {
            kind,
            key: key.into(),
            and_inside,
        });
        self
    }
}

impl Mended<'_> {
    fn touches(&self, because: &Because) -> bool {
        let places = match because.kind {
            Kind::System => self.system,
            Kind::GameDay => self.game_day,
            Kind::Agent => self.agent,
        };
        places.iter().any(|place| {
            because.key.is_within(place) || (because.and_inside && place.is_within(&because.key))
        })
    }
}

/// Mistakes as they are found.
#[derive(Debug, Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// A service that the system does not have.
    fn unknown_service(&mut self, key: KeyPath, given: &str, system: &System) {
        let known: Vec<&str> = system.spec.services.keys().map(String::as_str).collect();
        let problem = unknown(key, given, "service", &known);
        self.push(problem.given(Kind::System, "spec.services"));
    }

    /// Complains of a duration of nothing where that makes no sense.
    fn zero(&mut self, key: KeyPath, span: Span) {
        if span.get().is_zero() {
            let message = format!("`{span}` is not right here: expected more than nothing");
            self.push(Problem::new(key, message).with_value(span));
        }
    }

    /// Complains of a key that cannot be a name.
    fn name(&mut self, key: KeyPath, name: &str, pattern: &str) {
        if !patterns::fits(pattern, name) {
            let expected = patterns::meaning(pattern);
            let message = format!("`{name}` is no name: expected {expected}");
            self.push(Problem::new(key, message).with_value(name).of_key());
        }
    }

    /// Complains of each value that was there before.
    fn repeated<'value>(
        &mut self,
        values: impl IntoIterator<Item = (KeyPath, &'value str)>,
        what: &str,
    ) {
        let mut seen: Vec<(KeyPath, &str)> = Vec::new();
        for (key, value) in values {
            match seen.iter().find(|(_, earlier)| *earlier == value) {
                Some((earlier, _)) => {
                    let message = format!(
                        "there is another {what} called `{value}`, at {earlier}: choose another \
                         name"
                    );
                    let problem = Problem::new(key, message).with_value(value);
                    let because = earlier.clone();
                    self.push(problem.given(Kind::GameDay, because));
                }
                None => seen.push((key, value)),
            }
        }
    }

    /// Those that still stand when one knows what was mended.
    fn standing(self, kind: Kind, mended: &Mended<'_>) -> Vec<Problem> {
        self.0
            .into_iter()
            .filter(|problem| {
                let own = Because {
                    kind,
                    key: problem.key.clone(),
                    and_inside: true,
                };
                !mended.touches(&own) && !problem.because.iter().any(|one| mended.touches(one))
            })
            .collect()
    }
}

/// A name that nothing has; `what` says of what kind it should have been.
fn unknown(key: KeyPath, given: &str, what: &str, known: &[&str]) -> Problem {
    let hint = hint(given, known);
    let message = format!("there is no {what} `{given}`: {hint}");
    Problem::new(key, message).with_value(given)
}

impl From<&str> for KeyPath {
    fn from(dotted: &str) -> Self {
        Self::dotted(dotted)
    }
}
