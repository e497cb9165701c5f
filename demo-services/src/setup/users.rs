//! The users that can log in. They share one password, which is drawn anew at each set-up.

#[cfg(any(feature = "postgres", test))]
use std::path::Path;

#[cfg(any(feature = "postgres", test))]
use anyhow::Context;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::auth;
use crate::store::StoredUser;

#[cfg(any(feature = "postgres", test))]
const PLANS: [&str; 3] = ["basic", "standard", "premium"];

const NAMES: [&str; 10] = [
    "ana", "bjorn", "chidi", "dalia", "emil", "farah", "goran", "hana", "ivo", "jun",
];

/// A user as a load generator needs it.
#[derive(Clone)]
pub(super) struct User {
    pub(super) id: u32,
    pub(super) name: String,
    plan: &'static str,
    password: String,
}

impl User {
    pub(super) fn to_line(&self) -> String {
        json!({
            "id": self.id,
            "name": self.name,
            "password": self.password,
            "plan": self.plan,
            "device": format!("tv-{}", self.id),
        })
        .to_string()
    }
}

/// Draws the users; names and plans follow from the seed, the password does not.
pub(super) fn draw(seed: u64, count: u32) -> Vec<User> {
    let password = uuid::Uuid::new_v4().simple().to_string();
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x0005_e125);
    (1..=count)
        .map(|id| {
            let name = NAMES.choose(&mut random).copied().unwrap_or("user");
            User {
                id,
                name: format!("{name}-{id}"),
                plan: match random.random_range(0..10) {
                    0..3 => "basic",
                    3..8 => "standard",
                    _ => "premium",
                },
                password: password.clone(),
            }
        })
        .collect()
}

/// Reads what [`User::to_line`] wrote, line by line. No mistake shows what it found, which could
/// be a password.
#[cfg(any(feature = "postgres", test))]
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<User>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().zip(1..);
    lines
        .filter(|(line, _)| !line.trim().is_empty())
        .map(|(line, number)| {
            from_line(line)
                .with_context(|| format!("{} holds no user in line {number}", path.display()))
        })
        .collect()
}

#[cfg(any(feature = "postgres", test))]
fn from_line(line: &str) -> anyhow::Result<User> {
    let user: serde_json::Value = serde_json::from_str(line).ok().context("it is not JSON")?;
    let text = |key: &str| {
        let text = user[key].as_str().filter(|text| !text.is_empty());
        text.with_context(|| format!("`{key}` must be a text that is not empty"))
    };
    let plan = text("plan")?;
    Ok(User {
        id: user["id"]
            .as_u64()
            .and_then(|id| u32::try_from(id).ok())
            .context("`id` must be a number below 2^32")?,
        name: text("name")?.to_owned(),
        plan: PLANS
            .into_iter()
            .find(|it| *it == plan)
            .context("`plan` must be basic, standard or premium")?,
        password: text("password")?.to_owned(),
    })
}

/// Hashes every password with a salt of its own, on two threads.
pub(super) fn stored(users: &[User]) -> anyhow::Result<Vec<StoredUser>> {
    let (left, right) = users.split_at(users.len() / 2);
    let hash_all = |users: &[User]| {
        users
            .iter()
            .map(|user| {
                Ok(StoredUser {
                    id: user.id,
                    name: user.name.clone(),
                    plan: user.plan.to_owned(),
                    password_hash: auth::hash(&user.password)?,
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()
    };
    std::thread::scope(|scope| {
        let left = scope.spawn(move || hash_all(left));
        let mut right = hash_all(right)?;
        let mut all = left
            .join()
            .map_err(|_| anyhow::anyhow!("hashing passwords failed"))??;
        all.append(&mut right);
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.jsonl");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn what_set_up_writes_is_read() {
        let drawn = draw(7, 3);
        let lines: Vec<_> = drawn.iter().map(User::to_line).collect();
        let (_folder, path) = file(&format!("{}\n", lines.join("\n")));
        let read: Vec<_> = read(&path).unwrap().iter().map(User::to_line).collect();
        assert_eq!(read, lines);
    }

    #[test]
    fn a_line_that_is_no_user_is_named_and_not_shown() {
        let good = draw(7, 1)[0].to_line();
        for (bad, said) in [
            ("secret", "not JSON"),
            (
                r#"{"id":1,"name":"a","plan":"basic","password":123456}"#,
                "`password`",
            ),
            (
                r#"{"id":1,"name":"","plan":"basic","password":"secret"}"#,
                "`name`",
            ),
            (
                r#"{"id":-1,"name":"a","plan":"basic","password":"secret"}"#,
                "`id`",
            ),
            (
                r#"{"id":1,"name":"a","plan":"secret","password":"a"}"#,
                "`plan`",
            ),
            ("[]", "`plan`"),
        ] {
            let (_folder, path) = file(&format!("{good}\n{bad}\n"));
            let error = format!("{:#}", read(&path).err().unwrap());
            assert!(
                error.contains("users.jsonl holds no user in line 2"),
                "{error}"
            );
            assert!(error.contains(said), "{error}");
            assert!(
                !error.contains("secret") && !error.contains("123456"),
                "{error}"
            );
        }
        let missing = std::path::Path::new("/nowhere/users.jsonl");
        assert!(
            read(missing)
                .err()
                .unwrap()
                .to_string()
                .contains("cannot read")
        );
    }
}
