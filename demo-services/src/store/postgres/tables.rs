//! The tables, and which form of them this program knows.

use anyhow::Context;
use sqlx::{Acquire, PgConnection, PgPool};

/// The form of the tables; a later one would come with a way from this one.
const VERSION: i32 = 1;

const SCHEMA: [&str; 10] = [
    "CREATE TABLE mesh_version (version INTEGER NOT NULL)",
    "CREATE TABLE users (
        id BIGINT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        plan TEXT NOT NULL,
        password_hash TEXT NOT NULL
    )",
    "CREATE TABLE refresh_tokens (
        token_hash BYTEA PRIMARY KEY,
        session TEXT NOT NULL,
        user_id BIGINT NOT NULL,
        until BIGINT NOT NULL
    )",
    "CREATE TABLE revoked (session TEXT PRIMARY KEY, until BIGINT NOT NULL)",
    "CREATE TABLE signing_keys (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        secret BYTEA NOT NULL,
        signs_from BIGINT NOT NULL,
        replaced_at BIGINT
    )",
    "CREATE TABLE streams (
        stream TEXT PRIMARY KEY,
        user_id BIGINT NOT NULL,
        device TEXT NOT NULL,
        title BIGINT NOT NULL,
        until BIGINT NOT NULL,
        UNIQUE (user_id, device)
    )",
    "CREATE TABLE positions (
        user_id BIGINT NOT NULL,
        title BIGINT NOT NULL,
        sequence BIGINT NOT NULL,
        seconds BIGINT NOT NULL,
        saved BIGINT NOT NULL,
        PRIMARY KEY (user_id, title)
    )",
    "CREATE TABLE writes (
        key TEXT PRIMARY KEY,
        user_id BIGINT NOT NULL,
        title BIGINT NOT NULL,
        sequence BIGINT NOT NULL,
        seconds BIGINT NOT NULL,
        result_sequence BIGINT NOT NULL,
        result_seconds BIGINT NOT NULL,
        written BIGINT NOT NULL
    )",
    "CREATE INDEX writes_written ON writes (written)",
    "CREATE TABLE outbox (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key TEXT NOT NULL,
        user_id BIGINT NOT NULL,
        title BIGINT NOT NULL,
        sequence BIGINT NOT NULL,
        seconds BIGINT NOT NULL,
        leased_until BIGINT NOT NULL DEFAULT 0,
        UNIQUE (user_id, key)
    )",
];

/// Makes all tables, or none, unless they are there; whether it did. Of several that come at once
/// only one may be here.
pub(super) async fn make(connection: &mut PgConnection) -> anyhow::Result<bool> {
    if let Some(version) = version(connection).await? {
        is_known(version)?;
        return Ok(false);
    }
    let mut making = connection.begin().await?;
    for statement in SCHEMA {
        sqlx::query(statement).execute(&mut *making).await.context(
            "cannot make the tables: give a database of its own, and a user who owns it",
        )?;
    }
    sqlx::query("INSERT INTO mesh_version VALUES ($1)")
        .bind(VERSION)
        .execute(&mut *making)
        .await?;
    making.commit().await?;
    Ok(true)
}

/// Whether the tables are there, in the form that this program knows.
pub(super) async fn check(pool: &PgPool) -> anyhow::Result<()> {
    let mut connection = pool.acquire().await?;
    let version = version(&mut connection).await?.context(
        "the database has no tables of the mesh: make them with `demo-services setup-database`",
    )?;
    is_known(version)
}

async fn version(connection: &mut PgConnection) -> anyhow::Result<Option<i32>> {
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('mesh_version') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_there {
        return Ok(None);
    }
    let version = sqlx::query_scalar("SELECT version FROM mesh_version")
        .fetch_one(connection)
        .await?;
    Ok(Some(version))
}

fn is_known(version: i32) -> anyhow::Result<()> {
    anyhow::ensure!(
        version == VERSION,
        "the tables in the database have form {version}, this program knows form {VERSION}: run \
         the program that made them, or give another database"
    );
    Ok(())
}
