//! A text that must not end up in a log.

use std::fmt;
use std::str::FromStr;

/// A secret such as a bearer token. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a guess is right, in time that does not tell how much of it was.
    pub fn matches(&self, guess: &str) -> bool {
        use hmac::digest::Digest;
        sha2::Sha256::digest(self.0.as_bytes()) == sha2::Sha256::digest(guess.as_bytes())
    }
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() < 16 {
            return Err("a token needs at least 16 characters".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}
