//! Users, refresh tokens, revoked sessions and signing keys.

use std::path::Path;

use async_trait::async_trait;
use sqlx::Row;

use super::sqlite::Store;
use super::unix_seconds;

/// A user as login needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// The user's number.
    pub id: u32,
    /// The user's name.
    pub name: String,
    /// `basic`, `standard` or `premium`.
    pub plan: String,
    /// The argon2id hash in PHC form.
    pub password_hash: String,
}

/// What a refresh token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// The session, which outlives its tokens.
    pub session: String,
    /// Whose it is.
    pub user: u32,
}

/// A session whose access tokens are no longer good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The session.
    pub session: String,
    /// When the last of its access tokens ends by itself, in seconds since 1970.
    pub until: i64,
}

/// A key that signs, or once signed, access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its id in tokens and key sets.
    pub id: String,
    /// The 32 secret bytes of an Ed25519 key.
    pub secret: Vec<u8>,
    /// From when on it signs, in seconds since 1970; until then it is only published.
    pub signs_from: i64,
}

/// What auth keeps.
#[async_trait]
pub trait AuthStore: Send + Sync {
    /// Finds a user by name.
    async fn user_by_name(&self, name: &str) -> anyhow::Result<Option<StoredUser>>;

    /// Finds a user by number.
    async fn user_by_id(&self, id: u32) -> anyhow::Result<Option<StoredUser>>;

    /// Adds users, at set-up.
    async fn add_users(&self, users: &[StoredUser]) -> anyhow::Result<()>;

    /// Begins a session with a refresh token, which is stored as its hash.
    async fn begin_session(
        &self,
        token_hash: &[u8],
        refresh: &Refresh,
        until: i64,
    ) -> anyhow::Result<()>;

    /// Exchanges a refresh token for the next one of its session; the old one dies with it.
    async fn rotate_refresh(
        &self,
        old_hash: &[u8],
        new_hash: &[u8],
        until: i64,
    ) -> anyhow::Result<Option<Refresh>>;

    /// Ends the session of a refresh token; its access tokens are revoked until they end.
    async fn revoke(&self, token_hash: &[u8], access_until: i64) -> anyhow::Result<bool>;

    /// The sessions whose access tokens are revoked and have not ended by themselves.
    async fn revoked(&self) -> anyhow::Result<Vec<Revoked>>;

    /// Adds the key that takes over when its time to sign has come.
    async fn add_signing_key(&self, key: &SigningKey) -> anyhow::Result<()>;

    /// The keys that signed tokens which may still be in use, the newest first.
    async fn signing_keys(&self) -> anyhow::Result<Vec<SigningKey>>;

    /// Forgets refresh tokens and revocations that have ended by themselves.
    async fn forget_ended(&self) -> anyhow::Result<()>;
}

const SCHEMA: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS users (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        plan TEXT NOT NULL,
        password_hash TEXT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS refresh_tokens (
        token_hash BLOB PRIMARY KEY,
        session TEXT NOT NULL,
        user INTEGER NOT NULL,
        until INTEGER NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS revoked (session TEXT PRIMARY KEY, until INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS signing_keys (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        secret BLOB NOT NULL,
        signs_from INTEGER NOT NULL,
        replaced_at INTEGER
    )",
];

/// How long a replaced key stays in the key set: longer than an access token lives.
pub(super) const REPLACED_KEY_STAYS_SECONDS: i64 = 3_600;

/// Auth's store in SQLite.
#[derive(Debug, Clone)]
pub struct SqliteAuth {
    store: Store,
}

impl SqliteAuth {
    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// Whatever the disk says.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            store: Store::open(path, &SCHEMA).await?,
        })
    }

    /// Closes the file, so that it can be moved.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

#[async_trait]
impl AuthStore for SqliteAuth {
    async fn user_by_name(&self, name: &str) -> anyhow::Result<Option<StoredUser>> {
        let row = sqlx::query("SELECT id, name, plan, password_hash FROM users WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.store.readers)
            .await?;
        row.map(|row| user(&row)).transpose()
    }

    async fn user_by_id(&self, id: u32) -> anyhow::Result<Option<StoredUser>> {
        let row = sqlx::query("SELECT id, name, plan, password_hash FROM users WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.store.readers)
            .await?;
        row.map(|row| user(&row)).transpose()
    }

    async fn add_users(&self, users: &[StoredUser]) -> anyhow::Result<()> {
        let mut writing = self.store.writer.begin_with("BEGIN IMMEDIATE").await?;
        for user in users {
            sqlx::query("INSERT INTO users (id, name, plan, password_hash) VALUES (?, ?, ?, ?)")
                .bind(user.id)
                .bind(&user.name)
                .bind(&user.plan)
                .bind(&user.password_hash)
                .execute(&mut *writing)
                .await?;
        }
        writing.commit().await?;
        Ok(())
    }

    async fn begin_session(
        &self,
        token_hash: &[u8],
        refresh: &Refresh,
        until: i64,
    ) -> anyhow::Result<()> {
        sqlx::query(
            "INSERT INTO refresh_tokens (token_hash, session, user, until) VALUES (?, ?, ?, ?)",
        )
        .bind(token_hash)
        .bind(&refresh.session)
        .bind(refresh.user)
        .bind(until)
        .execute(&self.store.writer)
        .await?;
        Ok(())
    }

    async fn rotate_refresh(
        &self,
        old_hash: &[u8],
        new_hash: &[u8],
        until: i64,
    ) -> anyhow::Result<Option<Refresh>> {
        // One statement: of two that come with the same token, one finds it and one does not.
        let row = sqlx::query(
            "UPDATE refresh_tokens SET token_hash = ?, until = ?
             WHERE token_hash = ? AND until > ? RETURNING session, user",
        )
        .bind(new_hash)
        .bind(until)
        .bind(old_hash)
        .bind(unix_seconds())
        .fetch_optional(&self.store.writer)
        .await?;
        row.map(|row| {
            Ok(Refresh {
                session: row.try_get("session")?,
                user: row.try_get("user")?,
            })
        })
        .transpose()
    }

    async fn revoke(&self, token_hash: &[u8], access_until: i64) -> anyhow::Result<bool> {
        let mut writing = self.store.writer.begin_with("BEGIN IMMEDIATE").await?;
        let row = sqlx::query("DELETE FROM refresh_tokens WHERE token_hash = ? RETURNING session")
            .bind(token_hash)
            .fetch_optional(&mut *writing)
            .await?;
        let Some(row) = row else {
            return Ok(false);
        };
        sqlx::query("INSERT OR REPLACE INTO revoked (session, until) VALUES (?, ?)")
            .bind(row.try_get::<String, _>("session")?)
            .bind(access_until)
            .execute(&mut *writing)
            .await?;
        writing.commit().await?;
        Ok(true)
    }

    async fn revoked(&self) -> anyhow::Result<Vec<Revoked>> {
        sqlx::query("SELECT session, until FROM revoked WHERE until > ? ORDER BY session")
            .bind(unix_seconds())
            .fetch_all(&self.store.readers)
            .await?
            .iter()
            .map(|row| {
                Ok(Revoked {
                    session: row.try_get("session")?,
                    until: row.try_get("until")?,
                })
            })
            .collect()
    }

    async fn add_signing_key(&self, key: &SigningKey) -> anyhow::Result<()> {
        let now = unix_seconds();
        let mut writing = self.store.writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("UPDATE signing_keys SET replaced_at = ? WHERE replaced_at IS NULL")
            .bind(key.signs_from.max(now))
            .execute(&mut *writing)
            .await?;
        sqlx::query("DELETE FROM signing_keys WHERE replaced_at < ?")
            .bind(now.saturating_sub(REPLACED_KEY_STAYS_SECONDS))
            .execute(&mut *writing)
            .await?;
        sqlx::query("INSERT INTO signing_keys (id, secret, signs_from) VALUES (?, ?, ?)")
            .bind(&key.id)
            .bind(&key.secret)
            .bind(key.signs_from)
            .execute(&mut *writing)
            .await?;
        writing.commit().await?;
        Ok(())
    }

    async fn signing_keys(&self) -> anyhow::Result<Vec<SigningKey>> {
        sqlx::query("SELECT id, secret, signs_from FROM signing_keys ORDER BY number DESC")
            .fetch_all(&self.store.readers)
            .await?
            .iter()
            .map(|row| {
                Ok(SigningKey {
                    id: row.try_get("id")?,
                    secret: row.try_get("secret")?,
                    signs_from: row.try_get("signs_from")?,
                })
            })
            .collect()
    }

    async fn forget_ended(&self) -> anyhow::Result<()> {
        let now = unix_seconds();
        let mut writing = self.store.writer.begin_with("BEGIN IMMEDIATE").await?;
        for statement in [
            "DELETE FROM refresh_tokens WHERE until <= ?",
            "DELETE FROM revoked WHERE until <= ?",
        ] {
            sqlx::query(statement)
                .bind(now)
                .execute(&mut *writing)
                .await?;
        }
        writing.commit().await?;
        Ok(())
    }
}

fn user(row: &sqlx::sqlite::SqliteRow) -> anyhow::Result<StoredUser> {
    Ok(StoredUser {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        plan: row.try_get("plan")?,
        password_hash: row.try_get("password_hash")?,
    })
}
