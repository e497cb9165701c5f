//! Users, refresh tokens, revoked sessions and signing keys in PostgreSQL.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::{Turn, connect, forget, small, within};
use crate::shell::DatabaseUrl;
use crate::store::auth::REPLACED_KEY_STAYS_SECONDS;
use crate::store::{AuthStore, Refresh, Revoked, SigningKey, StoredUser, unix_seconds};

/// Auth's store in PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresAuth {
    pool: PgPool,
}

impl PostgresAuth {
    /// Connects; the tables have to be there.
    ///
    /// # Errors
    ///
    /// A URL that cannot be, a server that refuses, or a database that was not set up. A server
    /// that does not answer is no error: it is tried again with every call.
    pub async fn open(url: &DatabaseUrl) -> anyhow::Result<Self> {
        Ok(Self::on(connect::service(url).await?))
    }

    pub(super) const fn on(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl AuthStore for PostgresAuth {
    async fn user_by_name(&self, name: &str) -> anyhow::Result<Option<StoredUser>> {
        within(async {
            sqlx::query("SELECT id, name, plan, password_hash FROM users WHERE name = $1")
                .bind(name)
                .fetch_optional(&self.pool)
                .await?
                .map(|row| user(&row))
                .transpose()
        })
        .await
    }

    async fn user_by_id(&self, id: u32) -> anyhow::Result<Option<StoredUser>> {
        within(async {
            sqlx::query("SELECT id, name, plan, password_hash FROM users WHERE id = $1")
                .bind(i64::from(id))
                .fetch_optional(&self.pool)
                .await?
                .map(|row| user(&row))
                .transpose()
        })
        .await
    }

    async fn add_users(&self, users: &[StoredUser]) -> anyhow::Result<()> {
        // No time limit: this is set-up, and there may be many.
        let mut writing = self.pool.begin().await?;
        for user in users {
            sqlx::query(
                "INSERT INTO users (id, name, plan, password_hash) VALUES ($1, $2, $3, $4)",
            )
            .bind(i64::from(user.id))
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
        within(async {
            sqlx::query(
                "INSERT INTO refresh_tokens (token_hash, session, user_id, until)
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(token_hash)
            .bind(&refresh.session)
            .bind(i64::from(refresh.user))
            .bind(until)
            .execute(&self.pool)
            .await?;
            Ok(())
        })
        .await
    }

    async fn rotate_refresh(
        &self,
        old_hash: &[u8],
        new_hash: &[u8],
        until: i64,
    ) -> anyhow::Result<Option<Refresh>> {
        // One statement: of two that come with the same token, one finds it; the other waits for
        // the row, looks again and does not.
        within(async {
            sqlx::query(
                "UPDATE refresh_tokens SET token_hash = $1, until = $2
                 WHERE token_hash = $3 AND until > $4 RETURNING session, user_id",
            )
            .bind(new_hash)
            .bind(until)
            .bind(old_hash)
            .bind(unix_seconds())
            .fetch_optional(&self.pool)
            .await?
            .map(|row| {
                Ok(Refresh {
                    session: row.try_get("session")?,
                    user: small(&row, "user_id")?,
                })
            })
            .transpose()
        })
        .await
    }

    async fn revoke(&self, token_hash: &[u8], access_until: i64) -> anyhow::Result<bool> {
        within(async {
            let revoked = sqlx::query(
                "WITH ended AS (
                   DELETE FROM refresh_tokens WHERE token_hash = $1 RETURNING session
                 )
                 INSERT INTO revoked (session, until) SELECT session, $2 FROM ended
                 ON CONFLICT (session) DO UPDATE SET until = excluded.until",
            )
            .bind(token_hash)
            .bind(access_until)
            .execute(&self.pool)
            .await?;
            Ok(revoked.rows_affected() > 0)
        })
        .await
    }

    async fn revoked(&self) -> anyhow::Result<Vec<Revoked>> {
        within(async {
            sqlx::query("SELECT session, until FROM revoked WHERE until > $1 ORDER BY session")
                .bind(unix_seconds())
                .fetch_all(&self.pool)
                .await?
                .iter()
                .map(|row| {
                    Ok(Revoked {
                        session: row.try_get("session")?,
                        until: row.try_get("until")?,
                    })
                })
                .collect()
        })
        .await
    }

    async fn add_signing_key(&self, key: &SigningKey) -> anyhow::Result<()> {
        within(async {
            let now = unix_seconds();
            let mut writing = self.pool.begin().await?;
            // Of two that come at once, the later one has to find the key of the other.
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(Turn::Keys.of(0))
                .execute(&mut *writing)
                .await?;
            sqlx::query("UPDATE signing_keys SET replaced_at = $1 WHERE replaced_at IS NULL")
                .bind(key.signs_from.max(now))
                .execute(&mut *writing)
                .await?;
            sqlx::query("DELETE FROM signing_keys WHERE replaced_at < $1")
                .bind(now.saturating_sub(REPLACED_KEY_STAYS_SECONDS))
                .execute(&mut *writing)
                .await?;
            sqlx::query("INSERT INTO signing_keys (id, secret, signs_from) VALUES ($1, $2, $3)")
                .bind(&key.id)
                .bind(&key.secret)
                .bind(key.signs_from)
                .execute(&mut *writing)
                .await?;
            writing.commit().await?;
            Ok(())
        })
        .await
    }

    async fn signing_keys(&self) -> anyhow::Result<Vec<SigningKey>> {
        within(async {
            sqlx::query("SELECT id, secret, signs_from FROM signing_keys ORDER BY number DESC")
                .fetch_all(&self.pool)
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
        })
        .await
    }

    async fn forget_ended(&self) -> anyhow::Result<()> {
        let now = unix_seconds();
        // What somebody else has locked is left for the next time.
        for statement in [
            "DELETE FROM refresh_tokens WHERE token_hash IN (
               SELECT token_hash FROM refresh_tokens WHERE until <= $1 LIMIT $2
               FOR UPDATE SKIP LOCKED
             )",
            "DELETE FROM revoked WHERE session IN (
               SELECT session FROM revoked WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
             )",
        ] {
            forget(&self.pool, statement, now).await?;
        }
        Ok(())
    }
}

fn user(row: &PgRow) -> anyhow::Result<StoredUser> {
    Ok(StoredUser {
        id: small(row, "id")?,
        name: row.try_get("name")?,
        plan: row.try_get("plan")?,
        password_hash: row.try_get("password_hash")?,
    })
}
