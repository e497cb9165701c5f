//! The settings of an agent in the form in which they are applied.

use std::collections::BTreeSet;

use regex_lite::Regex;

use super::calendar::Calendar;
use super::selector::Selector;
use crate::file::KeyPath;
use crate::schema::{AgentSpec, OptIn, OwnerKind, VictimAmount};

/// What the settings say, read and checked.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) opt_in: OptIn,
    pub(super) namespaces: Namespaces,
    pub(super) pods: Pods,
    pub(super) owner_kinds: BTreeSet<OwnerKind>,
    pub(super) amount: VictimAmount,
    pub(super) calendar: Calendar,
    pub(super) mean_time: u32,
    pub(super) minimum_time: u32,
}

/// Which namespaces.
#[derive(Debug, Clone)]
pub(super) struct Namespaces {
    pub(super) only: BTreeSet<String>,
    pub(super) except: BTreeSet<String>,
    pub(super) labels: Option<Selector>,
}

/// Which pods.
#[derive(Debug, Clone)]
pub(super) struct Pods {
    pub(super) labels: Option<Selector>,
    pub(super) annotations: Option<Selector>,
    pub(super) names: Option<Regex>,
    pub(super) except_names: Option<Regex>,
    /// Seconds.
    pub(super) minimum_age: u64,
}

/// A value of the settings that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands.
    pub key: KeyPath,
    /// What it is.
    pub value: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Rules {
    /// Reads settings.
    ///
    /// # Errors
    ///
    /// Every value that cannot be.
    pub fn of(spec: &AgentSpec) -> Result<Self, Vec<Refused>> {
        let calendar = Calendar::of(&spec.schedule);
        let mut namespaces = Complaints::new("namespaces");
        let chosen = Namespaces {
            only: spec.namespaces.only.iter().cloned().collect(),
            except: spec.namespaces.except.iter().cloned().collect(),
            labels: namespaces.selector("labels", spec.namespaces.labels.as_deref()),
        };
        for (index, name) in spec.namespaces.except.iter().enumerate() {
            if chosen.only.contains(name) {
                let message = "it is one of spec.namespaces.only, too: take it out of one of them";
                namespaces.add(&format!("except[{index}]"), name, message);
            }
        }
        let namespaces = namespaces.or(chosen);
        let mut pods = Complaints::new("pods");
        let chosen = Pods {
            labels: pods.selector("labels", spec.pods.labels.as_deref()),
            annotations: pods.selector("annotations", spec.pods.annotations.as_deref()),
            names: pods.pattern("names", spec.pods.names.as_deref()),
            except_names: pods.pattern("exceptNames", spec.pods.except_names.as_deref()),
            minimum_age: spec.pods.minimum_age.get().as_secs(),
        };
        match (calendar, namespaces, pods.or(chosen)) {
            (Ok(calendar), Ok(namespaces), Ok(pods)) => Ok(Self {
                opt_in: spec.opt_in,
                namespaces,
                pods,
                owner_kinds: spec.owners.kinds.iter().copied().collect(),
                amount: spec.amount,
                calendar,
                mean_time: spec.schedule.mean_time.max(1),
                minimum_time: spec.schedule.minimum_time,
            }),
            (calendar, namespaces, pods) => Err([calendar.err(), namespaces.err(), pods.err()]
                .into_iter()
                .flatten()
                .flatten()
                .collect()),
        }
    }

    /// When something may be killed.
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }
}

/// What is wrong with one section of the settings.
pub(super) struct Complaints {
    section: &'static str,
    refused: Vec<Refused>,
}

impl Complaints {
    pub(super) const fn new(section: &'static str) -> Self {
        Self {
            section,
            refused: Vec::new(),
        }
    }

    /// Complains of the value of a key in the section.
    pub(super) fn add(&mut self, key: &str, value: &str, message: &str) {
        let (key, index) = match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
            Some((key, index)) => (key, index.parse().ok()),
            None => (key, None),
        };
        let key = KeyPath::dotted(&format!("spec.{}.{key}", self.section));
        self.refused.push(Refused {
            key: index.map_or_else(|| key.clone(), |index| key.index(index)),
            value: value.to_owned(),
            message: message.to_owned(),
        });
    }

    fn selector(&mut self, key: &str, text: Option<&str>) -> Option<Selector> {
        let text = text?;
        match text.parse() {
            Ok(selector) => Some(selector),
            Err(error) => {
                self.add(key, text, &error.to_string());
                None
            }
        }
    }

    fn pattern(&mut self, key: &str, text: Option<&str>) -> Option<Regex> {
        let text = text?;
        match Regex::new(text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let message = format!("it is no regular expression: {error}");
                self.add(key, text, &message);
                None
            }
        }
    }

    /// What was read, unless something is wrong with it.
    pub(super) fn or<Read>(self, read: Read) -> Result<Read, Vec<Refused>> {
        if self.refused.is_empty() {
            return Ok(read);
        }
        Err(self.refused)
    }
}
