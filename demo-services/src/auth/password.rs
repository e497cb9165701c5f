//! Passwords: argon2id with 7 MiB and 5 passes, one of the settings of OWASP's password storage
//! cheat sheet, off the async threads and at most two at once.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

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

/// Verifies passwords on threads of its own. They are few and live as long as the process: a
/// thread keeps the memory of its last hash, so a pool that grows would keep it many times.
#[derive(Clone)]
pub(super) struct Passwords {
    queue: mpsc::Sender<Guess>,
}

struct Guess {
    password: String,
    hash: String,
    answer: oneshot::Sender<anyhow::Result<bool>>,
}

/// There are too many logins at the moment.
#[derive(Debug, thiserror::Error)]
#[error("too many logins at the moment")]
pub(super) struct TooBusy;

impl Passwords {
    pub(super) fn new() -> Self {
        let (queue, guesses) = mpsc::channel::<Guess>(WAITING);
        let guesses = Arc::new(Mutex::new(guesses));
        for _ in 0..AT_ONCE {
            let guesses = Arc::clone(&guesses);
            std::thread::spawn(move || {
                loop {
                    let next = guesses.lock().blocking_recv();
                    let Some(guess) = next else {
                        return;
                    };
                    let verified = verify(&guess.password, &guess.hash);
                    // Nobody waits any more: that is their choice.
                    let _ = guess.answer.send(verified);
                }
            });
        }
        Self { queue }
    }

    /// Whether the password is the one that was hashed.
    pub(super) async fn verify(&self, password: String, hash: String) -> anyhow::Result<bool> {
        let (answer, verified) = oneshot::channel();
        let guess = Guess {
            password,
            hash,
            answer,
        };
        self.queue.try_send(guess).map_err(|_| TooBusy)?;
        verified.await.context("the hashing thread is gone")?
    }
}

fn verify(password: &str, hash: &str) -> anyhow::Result<bool> {
    Ok(argon2()?.verify_password(password.as_bytes(), hash).is_ok())
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

    #[tokio::test]
    async fn more_guesses_than_may_wait_are_refused() {
        let stored = hash("correct horse").unwrap();
        let passwords = Passwords::new();
        let guesses = (0..AT_ONCE + WAITING + 8)
            .map(|_| passwords.verify("wrong horse".to_owned(), stored.clone()));
        let answers = futures_util::future::join_all(guesses).await;
        let refused = answers
            .iter()
            .filter(|answer| answer.as_ref().is_err_and(anyhow::Error::is::<TooBusy>));
        assert!(refused.count() >= 6);
    }
}
