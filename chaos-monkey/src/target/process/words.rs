//! The words that commands and their environment may contain: `${port.http}`, `${service}`, …

use std::collections::BTreeMap;
use std::path::Path;

use thiserror::Error;

use super::Secrets;
use super::ports::Ports;

/// The port whose addresses stand in `${endpoints.SERVICE}`.
pub(super) const HTTP_PORT: &str = "http";

/// A word that cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WordError {
    /// Nobody knows this word.
    #[error("`${{{word}}}` is unknown here: known are {known}")]
    Unknown {
        /// The word.
        word: String,
        /// What is known.
        known: String,
    },
    /// The closing brace is missing.
    #[error("`{rest}` has no closing brace: write `${{WORD}}`")]
    Unclosed {
        /// From the opening on.
        rest: String,
    },
}

/// What is known in one place.
#[derive(Debug, Clone)]
pub(super) struct Words {
    known: BTreeMap<String, String>,
}

impl Words {
    /// What is known to every command of a run.
    pub(super) fn of_run(work: &Path, secrets: &Secrets, names: &[String]) -> Self {
        let mut known = BTreeMap::new();
        known.insert("run".to_owned(), work.display().to_string());
        for name in names {
            if let Some(secret) = secrets.get(name) {
                known.insert(format!("secret.{name}"), secret.to_owned());
            }
        }
        Self { known }
    }

    /// The same, with what is known to one instance in addition.
    pub(super) fn of_instance(&self, service: &str, replica: u32, ports: &Ports) -> Self {
        let mut known = self.known.clone();
        known.insert("service".to_owned(), service.to_owned());
        known.insert("replica".to_owned(), replica.to_string());
        for (name, port) in ports.of(service, replica) {
            known.insert(format!("port.{name}"), port.to_string());
        }
        for other in ports.services() {
            let endpoints = endpoints(ports, other);
            if !endpoints.is_empty() {
                known.insert(format!("endpoints.{other}"), endpoints);
            }
        }
        Self { known }
    }

    /// Replaces each `${WORD}` in `text`.
    pub(super) fn apply(&self, text: &str) -> Result<String, WordError> {
        let mut applied = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((plain, after)) = rest.split_once("${") {
            applied.push_str(plain);
            let Some((word, remaining)) = after.split_once('}') else {
                return Err(WordError::Unclosed {
                    rest: format!("${{{after}"),
                });
            };
            let value = self.known.get(word).ok_or_else(|| WordError::Unknown {
                word: word.to_owned(),
                known: self.names(),
            })?;
            applied.push_str(value);
            rest = remaining;
        }
        applied.push_str(rest);
        Ok(applied)
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.known.keys().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }
}

fn endpoints(ports: &Ports, service: &str) -> String {
    let addresses: Vec<_> = ports
        .addresses(service, HTTP_PORT)
        .map(|address| format!("http://{address}"))
        .collect();
    addresses.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        let mut ports = Ports::default();
        ports.insert("auth", 0, "http", 4_000);
        ports.insert("auth", 1, "http", 4_001);
        ports.insert("auth", 1, "admin", 4_101);
        ports.insert("quiet", 0, "admin", 4_200);
        let names = ["admin".to_owned()];
        let secrets = Secrets::draw(&names).unwrap();
        Words::of_run(Path::new("/runs/1/work"), &secrets, &names).of_instance("auth", 1, &ports)
    }

    #[test]
    fn every_word_is_replaced() {
        let words = words();
        let text =
            "${service}-${replica}:${port.http}/${port.admin} ${endpoints.auth} ${run}/x $HOME";
        assert_eq!(
            words.apply(text).unwrap(),
            "auth-1:4001/4101 http://127.0.0.1:4000,http://127.0.0.1:4001 /runs/1/work/x $HOME"
        );
        assert_eq!(words.apply("${secret.admin}").unwrap().len(), 64);
        assert_eq!(words.apply("").unwrap(), "");
    }

    #[test]
    fn an_unknown_word_says_what_is_known_but_no_secret() {
        let words = words();
        let message = words.apply("--port ${port.htpp}").unwrap_err().to_string();
        assert!(
            message.starts_with("`${port.htpp}` is unknown here"),
            "{message}"
        );
        assert!(message.contains("`port.http`"), "{message}");
        assert!(
            !message.contains(&words.apply("${secret.admin}").unwrap()),
            "{message}"
        );
        // A service without a port for users has no endpoints.
        assert!(words.apply("${endpoints.quiet}").is_err());
    }

    #[test]
    fn a_missing_brace_is_named() {
        let message = words().apply("a ${port.http b").unwrap_err().to_string();
        assert_eq!(
            message,
            "`${port.http b` has no closing brace: write `${WORD}`"
        );
    }
}
