//! Adds to a store what it lacks; what it has stays as it is.

use anyhow::ensure;

use super::users::{self, User};
use crate::auth;
use crate::store::AuthStore;

/// Adds a key to sign with unless there is one; whether it did.
pub(super) async fn add_key(store: &dyn AuthStore) -> anyhow::Result<bool> {
    if !store.signing_keys().await?.is_empty() {
        return Ok(false);
    }
    store.add_signing_key(&auth::fresh_key()).await?;
    Ok(true)
}

/// Adds the users that are not there yet, by name; how many it were. Only their passwords are
/// hashed, which takes long on purpose.
///
/// # Errors
///
/// A name or a number that already belongs to somebody else, before anybody is added.
pub(super) async fn add_users(store: &dyn AuthStore, users: &[User]) -> anyhow::Result<usize> {
    let mut missing = Vec::new();
    for user in users {
        match store.user_by_name(&user.name).await? {
            Some(there) => ensure!(
                there.id == user.id,
                "the user {} has the number {} already, not {}",
                user.name,
                there.id,
                user.id
            ),
            None => missing.push(user.clone()),
        }
    }
    for user in &missing {
        if let Some(there) = store.user_by_id(user.id).await? {
            anyhow::bail!(
                "the number {} belongs to {} already, not to {}",
                user.id,
                there.name,
                user.name
            );
        }
    }
    let count = missing.len();
    let hashed = tokio::task::spawn_blocking(move || users::stored(&missing)).await??;
    store.add_users(&hashed).await?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SqliteAuth;

    #[tokio::test]
    async fn only_what_is_missing_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.sqlite");
        let store = SqliteAuth::open(&path).await.unwrap();
        assert!(add_key(&store).await.unwrap());
        assert!(!add_key(&store).await.unwrap());

        let users = users::draw(7, 3);
        assert_eq!(add_users(&store, &users[..2]).await.unwrap(), 2);
        let before = store.user_by_id(1).await.unwrap();
        assert_eq!(add_users(&store, &users).await.unwrap(), 1);
        assert_eq!(store.user_by_id(1).await.unwrap(), before);
        assert_eq!(
            store.user_by_id(3).await.unwrap().unwrap().name,
            users[2].name
        );
        assert_eq!(add_users(&store, &users).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_name_or_a_number_of_somebody_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.sqlite");
        let store = SqliteAuth::open(&path).await.unwrap();
        let users = users::draw(7, 3);
        add_users(&store, &users[..1]).await.unwrap();

        let mut renumbered = users[0].clone();
        renumbered.id = 2;
        let refused = [users[2].clone(), renumbered];
        let error = add_users(&store, &refused).await.unwrap_err().to_string();
        assert!(error.contains("has the number 1 already"), "{error}");
        let mut renamed = users[0].clone();
        renamed.name = "nobody".to_owned();
        let error = add_users(&store, &[users[2].clone(), renamed]).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("belongs to"), "{error}");
        assert_eq!(store.user_by_id(3).await.unwrap(), None);
    }
}
