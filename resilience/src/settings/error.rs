//! What is wrong with settings.

use std::fmt;

use crate::config::ConfigError;

/// One value that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    path: String,
    message: String,
}

impl Mistake {
    pub(super) fn in_client(name: &str, error: &ConfigError) -> Self {
        let section = match (error.part(), error.key()) {
            ("circuit breaker", _) => "breaker.",
            ("balancer", _) => "balance.",
            ("retry", _) => "retry.",
            ("hedge", _) => "hedge.",
            ("fallback", _) => "fallback.",
            ("name resolution", _) => "dns.",
            ("bulkhead", "bounds" | "window" | "latency") => "bulkhead.adaptive.",
            ("bulkhead", _) => "bulkhead.",
            ("timeout", "quantile" | "window" | "minimum_samples" | "factor" | "minimum") => {
                "adaptive_timeout."
            }
            _ => "",
        };
        Self {
            path: format!("clients.{name}.{section}{}", key_path(error)),
            message: error.to_string(),
        }
    }

    pub(super) fn in_server(name: &str, error: &ConfigError) -> Self {
        let section = match (error.part(), error.key()) {
            ("rate limit", _) => "rate_limit.",
            ("load shedding", "bounds" | "window" | "latency") => "adaptive.",
            _ => "",
        };
        Self {
            path: format!("servers.{name}.{section}{}", key_path(error)),
            message: error.to_string(),
        }
    }

    /// A value that a part cannot work with, seen from the settings of the part.
    pub(super) fn in_part(error: &ConfigError) -> Self {
        Self {
            path: key_path(error),
            message: error.to_string(),
        }
    }

    pub(super) fn in_keyed_breaker(name: &str, error: &ConfigError) -> Self {
        let section = match error.key() {
            "maximum_keys" => "",
            _ => "rules.",
        };
        Self::in_part(error).at(&format!("keyed_breakers.{name}.{section}"))
    }

    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }

    /// Two keys that say the same thing differently.
    pub(super) fn beside(key: &str, other: &str) -> Self {
        Self::new(
            key,
            format!("stands beside `{other}`: expected one of the two"),
        )
    }

    /// A key that means nothing without another one.
    pub(super) fn without(key: &str, other: &str) -> Self {
        Self::new(
            key,
            format!("stands without `{other}`: expected both or neither"),
        )
    }

    /// The same, seen from where the settings of its part stand.
    pub(super) fn at(mut self, prefix: &str) -> Self {
        self.path.insert_str(0, prefix);
        self
    }

    /// Whether it is about a value inside that of another one.
    pub(super) fn is_inside(&self, other: &Self) -> bool {
        self.path
            .strip_prefix(&other.path)
            .is_some_and(|rest| other.path.is_empty() || rest.starts_with('.'))
    }

    /// Where the value stands: the keys that lead to it, with dots between them.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what would be right.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Where the settings of a part say what its configuration calls by this name.
fn key_path(error: &ConfigError) -> String {
    match (error.part(), error.key()) {
        (_, "window calls") => "window_calls".to_owned(),
        (_, "window span") => "window_time".to_owned(),
        (_, "window buckets") => "window_buckets".to_owned(),
        ("bulkhead", "queue delay target") => "queue_delay.target".to_owned(),
        ("timeout", "timeout") => "attempt_timeout".to_owned(),
        ("timeout", "idle") => "body_idle".to_owned(),
        (_, key) => key.replace(' ', "."),
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

/// Settings that cannot be used: at least one mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    mistakes: Vec<Mistake>,
}

impl SettingsError {
    pub(super) fn new(mistakes: Vec<Mistake>) -> Self {
        Self { mistakes }
    }

    /// Every mistake that was found.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                formatter.write_str("; ")?;
            }
            mistake.fmt(formatter)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}
