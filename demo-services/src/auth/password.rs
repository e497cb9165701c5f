//! Passwords: argon2id with 7 MiB and 5 passes, one of the settings of OWASP's password storage
//! cheat sheet, off the async threads and at most two at once.

use std::num::NonZero;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};

const MEMORY_KIB: u32 = 7 * 1_024;
const PASSES: u32 = 5;
const LANES: u32 = 1;

/// How many hashes are computed at once, if that leaves half of the cores to everybody who does
/// not log in: they would wait for a whole hash.
const AT_ONCE: usize = 2;

/// How many may wait; more logins than that are refused, since they would only time out.
const WAITING: usize = 64;

/// The parameters in the PHC string format, in front of salt and hash.
const PREFIX: &str = "$argon2id$v=19$m=7168,t=5,p=1$";

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Computes hashes in memory that it keeps: 7 MiB that were given back after each hash would not
/// go back to the system, and the process would hold them many times over.
struct Hasher {
    argon2: Argon2<'static>,
    memory: Vec<Block>,
}

impl Hasher {
    fn new() -> anyhow::Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES))
            .map_err(|error| anyhow!("{error}"))?;
        Ok(Self {
            memory: vec![Block::default(); params.block_count()],
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
        })
    }

    fn compute(&mut self, password: &str, salt: &[u8]) -> anyhow::Result<[u8; HASH_BYTES]> {
        let mut hash = [0; HASH_BYTES];
        self.argon2
            .hash_password_into_with_memory(
                password.as_bytes(),
                salt,
                &mut hash,
                self.memory.as_mut_slice(),
            )
            .map_err(|error| anyhow!("cannot hash a password: {error}"))?;
        Ok(hash)
    }

    fn verify(&mut self, password: &str, stored: &str) -> anyhow::Result<bool> {
        let (salt, hash) = stored
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('$'))
            .context("a stored hash is not of the form that set-up writes")?;
        let (salt, hash) = (BASE64.decode(salt)?, BASE64.decode(hash)?);
        let computed = self.compute(password, &salt)?;
        // Digests of both, so that the time to compare tells nothing.
        Ok(Sha256::digest(computed) == Sha256::digest(&hash))
    }
}

/// Hashes a password with a salt of its own. Slow on purpose: not for async threads.
pub(crate) fn hash(password: &str) -> anyhow::Result<String> {
    let salt: [u8; SALT_BYTES] = rand::random();
    let hash = Hasher::new()?.compute(password, &salt)?;
    Ok(format!(
        "{PREFIX}{}${}",
        BASE64.encode(salt),
        BASE64.encode(hash)
    ))
}

/// Verifies passwords on threads of its own, which are few and live as long as the process.
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
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..(cores / 2).clamp(1, AT_ONCE) {
            let guesses = Arc::clone(&guesses);
            std::thread::spawn(move || {
                let mut hasher = Hasher::new();
                loop {
                    let next = guesses.lock().blocking_recv();
                    let Some(guess) = next else {
                        return;
                    };
                    let verified = match &mut hasher {
                        Ok(hasher) => hasher.verify(&guess.password, &guess.hash),
                        Err(error) => Err(anyhow!("{error}")),
                    };
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
