//! Which placeholders have a value where.

use std::collections::BTreeSet;

use serde_json::Value;

use super::LoadError;
use super::bindings::Rows;
use super::datasets::Row;

/// The names that have a value at some place of the file.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) session: BTreeSet<String>,
    pub(crate) captured: BTreeSet<String>,
    pub(crate) allow_datasets: bool,
    has_users: bool,
}

impl Known {
    pub(crate) fn new(rows: &Rows) -> Self {
        Self {
            session: BTreeSet::new(),
            captured: BTreeSet::new(),
            allow_datasets: true,
            has_users: !rows.users.is_empty(),
        }
    }

    pub(crate) fn check(&self, place: &str, names: &[&str], rows: &Rows) -> Result<(), LoadError> {
        names
            .iter()
            .try_for_each(|name| self.check_name(place, name, rows))
    }

    fn check_name(&self, place: &str, name: &str, rows: &Rows) -> Result<(), LoadError> {
        if name == "sequence" || self.captured.contains(name) || self.session.contains(name) {
            return Ok(());
        }
        let unknown = || LoadError::UnknownName {
            place: place.to_owned(),
            name: name.to_owned(),
            known: self.describe(rows),
        };
        let (source, field) = name.split_once('.').ok_or_else(unknown)?;
        if source == "user" && self.has_users {
            if self.session.contains(field) {
                return Ok(());
            }
            return check_rows(place, "the users", &rows.users, field);
        }
        match rows.datasets.get(source) {
            Some(rows) if self.allow_datasets => {
                check_rows(place, &format!("dataset `{source}`"), rows, field)
            }
            _ => Err(unknown()),
        }
    }

    fn describe(&self, rows: &Rows) -> String {
        let mut names = vec!["`${sequence}`".to_owned()];
        if self.has_users {
            names.push("`${user.FIELD}`".to_owned());
        }
        if self.allow_datasets {
            names.extend(
                rows.datasets
                    .keys()
                    .map(|name| format!("`${{{name}.FIELD}}`")),
            );
        }
        names.extend(
            self.session
                .iter()
                .chain(&self.captured)
                .map(|name| format!("`${{{name}}}`")),
        );
        names.join(", ")
    }
}

fn check_rows(place: &str, what: &str, rows: &[Row], field: &str) -> Result<(), LoadError> {
    match rows
        .iter()
        .position(|row| row.get(field).is_none_or(Value::is_null))
    {
        None => Ok(()),
        Some(index) => Err(LoadError::MissingField {
            place: place.to_owned(),
            rows: what.to_owned(),
            row: index + 1,
            field: field.to_owned(),
        }),
    }
}
