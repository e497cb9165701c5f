//! Passwords: argon2id with 7 MiB and 5 passes, one of the settings of OWASP's password storage
//! cheat sheet, off the async threads and at most two at once.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 7 * 1_024;
const PASSES: u32 = 5;
const LANES: u32 = 1;

/// How many hashes are computed at once: the machine has other things to do.
const AT_ONCE: usize = 2;

/// How many may wait; more logins than that are refused, since they would only time out.
const WAITING: usize = 64;

fn argon2() -> anyhow::Result<Argon2<'static>> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| anyhow!("{error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password with a salt of its own. Slow on purpose: not for async threads.
pub(crate) fn hash(password: &str) -> anyhow::Result<String> {
    let hash = argon2()?
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow!("cannot hash a password: {error}"))?;
    Ok(hash.to_string())
}

/// Verifies passwords without keeping async threads busy.
#[derive(Clone)]
pub(super) struct Passwords {
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// There are too many logins at the moment.
#[derive(Debug, thiserror::Error)]
#[error("too many logins at the moment")]
pub(super) struct TooBusy;

impl Passwords {
    pub(super) fn new() -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        }
    }

    /// Whether the password is the one that was hashed.
    pub(super) async fn verify(&self, password: String, hash: String) -> anyhow::Result<bool> {
        let _place = self.waiting.try_acquire().map_err(|_| TooBusy)?;
        let permit = Arc::clone(&self.at_once).acquire_owned().await?;
        tokio::task::spawn_blocking(move || {
            let verified = argon2()?
                .verify_password(password.as_bytes(), hash.as_str())
                .is_ok();
            drop(permit);
            anyhow::Ok(verified)
        })
        .await
        .context("the hashing thread failed")?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"));
        let passwords = Passwords::new();
        let verify = |password: &str| passwords.verify(password.to_owned(), stored.clone());
        assert!(verify("correct horse").await.unwrap());
        assert!(!verify("wrong horse").await.unwrap());
    }
}
