//! The users that can log in. They share one password, which is drawn anew at each set-up.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::auth;
use crate::store::StoredUser;

const NAMES: [&str; 10] = [
    "ana", "bjorn", "chidi", "dalia", "emil", "farah", "goran", "hana", "ivo", "jun",
];

/// A user as a load generator needs it.
#[derive(Clone)]
pub(super) struct User {
    id: u32,
    name: String,
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
