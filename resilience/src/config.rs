//! Values that a part cannot work with.

use std::fmt;
use std::time::Duration;

/// A value that a part of a stack cannot work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` of the {part} is {value}: expected {expected}")]
pub struct ConfigError {
    part: &'static str,
    key: &'static str,
    value: String,
    expected: String,
}

impl ConfigError {
    pub(crate) fn new(
        part: &'static str,
        key: &'static str,
        value: impl fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            part,
            key,
            value: value.to_string(),
            expected: expected.into(),
        }
    }

    /// The part that cannot work with the value.
    pub const fn part(&self) -> &str {
        self.part
    }

    /// The name of the value.
    pub const fn key(&self) -> &str {
        self.key
    }
}

/// Checks the values of one part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checks(pub(crate) &'static str);

impl Checks {
    pub(crate) fn is_positive(self, key: &'static str, value: Duration) -> Result<(), ConfigError> {
        if !value.is_zero() {
            return Ok(());
        }
        Err(ConfigError::new(self.0, key, "0s", "more than 0 s"))
    }

    pub(crate) fn is_at_least_one(self, key: &'static str, value: u32) -> Result<(), ConfigError> {
        if value > 0 {
            return Ok(());
        }
        Err(ConfigError::new(self.0, key, value, "at least 1"))
    }

    pub(crate) fn is_within(
        self,
        key: &'static str,
        value: f64,
        least: f64,
        most: f64,
    ) -> Result<(), ConfigError> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        let expected = format!("{least} to {most}");
        Err(ConfigError::new(self.0, key, value, expected))
    }

    pub(crate) fn is_at_most(
        self,
        key: &'static str,
        value: Duration,
        most: Duration,
    ) -> Result<(), ConfigError> {
        if value <= most {
            return Ok(());
        }
        let expected = format!("at most {most:?}");
        Err(ConfigError::new(
            self.0,
            key,
            format!("{value:?}"),
            expected,
        ))
    }
}
