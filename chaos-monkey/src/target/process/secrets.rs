//! Secrets that are drawn for one run.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};

/// Bytes of chance in one secret.
const SECRET_BYTES: usize = 32;

/// Secrets that are drawn for one run, by name. They go into the environment and the arguments of
/// the system's commands and nowhere else.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    values: BTreeMap<String, String>,
}

impl Secrets {
    /// Draws one secret for each name, from the operating system and not from the run's seed: a
    /// seed stands in the journal.
    pub fn draw<'a>(names: impl IntoIterator<Item = &'a String>) -> io::Result<Self> {
        let mut chance = File::open("/dev/urandom")?;
        let mut values = BTreeMap::new();
        for name in names {
            let mut bytes = [0_u8; SECRET_BYTES];
            chance.read_exact(&mut bytes)?;
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                // Writing to a string cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            values.insert(name.clone(), hex);
        }
        Ok(Self { values })
    }

    /// The secret of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_differs_and_none_is_shown() {
        let names = ["admin".to_owned(), "signing".to_owned()];
        let secrets = Secrets::draw(&names).unwrap();
        let (admin, signing) = (
            secrets.get("admin").unwrap(),
            secrets.get("signing").unwrap(),
        );
        assert_eq!(admin.len(), 2 * SECRET_BYTES);
        assert_ne!(admin, signing);
        assert_ne!(Secrets::draw(&names).unwrap(), secrets);
        let shown = format!("{secrets:?}");
        assert!(shown.contains("admin") && !shown.contains(admin), "{shown}");
    }
}
