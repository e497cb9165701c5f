//! What a store promises, in PostgreSQL, and what becomes of it when connections break and the
//! server starts anew. `cargo xtask postgres` runs it on a server that it throws away.
//!
//! By hand: `APLOMB_TEST_DATABASE_URL` names a server whose contents nobody needs, as a user who
//! may make schemas; `APLOMB_TEST_DATABASE_PID_FILE` the file with the id of its process, which is
//! killed, and which somebody else has to start again.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod store;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use demo_services::shell::DatabaseUrl;
use demo_services::store::{
    AuthStore, OutboxEntry, OutboxStore, PlaybackStore, Position, PositionWrite, PostgresAuth,
    PostgresOutbox, PostgresPlayback, PostgresSetUp,
};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};
use store::{Dialect, Part, until_done};
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::{Instant, sleep, timeout};

/// Whoever kills the server is alone with it.
static SERVER: RwLock<()> = RwLock::const_new(());

/// How long everything may take that a broken connection or a restart holds up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A schema of its own.
struct Postgres {
    name: String,
    url: DatabaseUrl,
    pool: PgPool,
    _running: Option<RwLockReadGuard<'static, ()>>,
}

/// What `variable` says, without which nothing here can run.
fn needed(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run `cargo xtask postgres`"))
}

impl Postgres {
    /// A schema without any table.
    async fn empty() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let server = needed("APLOMB_TEST_DATABASE_URL");
        let sign = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{sign}application_name={name}&options[search_path]={name}");
        let pool = PgPoolOptions::new().max_connections(1).connect(&server);
        let pool = pool.await.unwrap();
        let schema = format!("CREATE SCHEMA {name}");
        let schema = sqlx::query(sqlx::AssertSqlSafe(schema));
        schema.execute(&pool).await.unwrap();
        let path = format!("SET search_path = {name}");
        let path = sqlx::query(sqlx::AssertSqlSafe(path));
        path.execute(&pool).await.unwrap();
        Self {
            name,
            url: url.parse().unwrap(),
            pool,
            _running: None,
        }
    }

    async fn set_up(&self) {
        PostgresSetUp::begin(&self.url)
            .await
            .unwrap()
            .end()
            .await
            .unwrap();
    }

    /// Breaks all connections of the stores; how many it were.
    async fn break_connections(&self) -> i64 {
        sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE application_name = $1",
        )
        .bind(&self.name)
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }
}

#[async_trait]
impl Dialect for Postgres {
    async fn fresh() -> Self {
        let running = SERVER.read().await;
        let mut fresh = Self::empty().await;
        fresh.set_up().await;
        fresh._running = Some(running);
        fresh
    }

    async fn auth(&self) -> Arc<dyn AuthStore> {
        Arc::new(PostgresAuth::open(&self.url).await.unwrap())
    }

    async fn playback(&self) -> Arc<dyn PlaybackStore> {
        Arc::new(PostgresPlayback::open(&self.url).await.unwrap())
    }

    async fn outbox(&self) -> Arc<dyn OutboxStore> {
        Arc::new(PostgresOutbox::open(&self.url).await.unwrap())
    }

    async fn change(&self, _: Part, statement: &'static str) {
        sqlx::query(statement).execute(&self.pool).await.unwrap();
    }

    async fn count(&self, _: Part, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

store::suite! { Postgres }

fn position(user: u32, sequence: u64) -> PositionWrite {
    PositionWrite {
        key: format!("{user}/{sequence}"),
        user,
        position: Position {
            title: u32::try_from(sequence % 3).unwrap(),
            sequence,
            seconds: sequence * 2,
        },
    }
}

fn entry(user: u32, sequence: u64) -> OutboxEntry {
    OutboxEntry {
        key: sequence.to_string(),
        user,
        title: u32::try_from(sequence % 3).unwrap(),
        sequence,
        seconds: sequence * 2,
    }
}

/// Replicas that write while something breaks, and how often they had to repeat it.
struct Work {
    playback: [Arc<dyn PlaybackStore>; 2],
    outbox: [Arc<dyn OutboxStore>; 2],
    repeated: Arc<AtomicU32>,
}

impl Work {
    async fn open(postgres: &Postgres) -> Self {
        Self {
            playback: [postgres.playback().await, postgres.playback().await],
            outbox: [postgres.outbox().await, postgres.outbox().await],
            repeated: Arc::default(),
        }
    }

    /// Two users write as many positions as this, each at a replica of its own.
    fn begin(&self, writes: u64) -> Vec<tokio::task::JoinHandle<()>> {
        let replicas = self.playback.iter().zip(&self.outbox).zip(1..);
        let tasks = replicas.map(|((playback, outbox), user)| {
            let (playback, outbox) = (Arc::clone(playback), Arc::clone(outbox));
            let repeated = Arc::clone(&self.repeated);
            tokio::spawn(async move {
                for sequence in 1..=writes {
                    let (position, entry) = (position(user, sequence), entry(user, sequence));
                    while playback.save(&position).await.is_err() {
                        repeated.fetch_add(1, Ordering::Relaxed);
                    }
                    while outbox.enqueue(&entry).await.is_err() {
                        repeated.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        });
        tasks.collect()
    }

    /// Everything that was acknowledged is there, once.
    async fn check(&self, postgres: &Postgres, writes: u64) {
        let count = |statement| postgres.count(Part::Playback, statement);
        let expected = 2 * i64::try_from(writes).unwrap();
        assert_eq!(count("SELECT count(*) FROM writes").await, expected);
        assert_eq!(count("SELECT count(*) FROM outbox").await, expected);
        for user in 1..=2 {
            let waiting = self.outbox[0].pending(user).await.unwrap();
            let kept: BTreeSet<_> = waiting.iter().map(|entry| entry.sequence).collect();
            assert_eq!(kept, (1..=writes).collect());
            for stored in self.playback[1].positions(user).await.unwrap() {
                assert!(stored.sequence + 3 > writes, "{stored:?}");
                assert_eq!(stored.seconds, stored.sequence * 2);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_connections_that_break() {
    const WRITES: u64 = 100;
    let postgres = Postgres::fresh().await;
    let work = Work::open(&postgres).await;
    let writing = work.begin(WRITES);
    let mut broken = 0;
    while writing.iter().any(|task| !task.is_finished()) {
        broken += postgres.break_connections().await;
        sleep(Duration::from_millis(40)).await;
    }
    for task in writing {
        timeout(PATIENCE, task).await.unwrap().unwrap();
    }
    assert!(broken >= 10, "only {broken} connections were broken");
    assert!(work.repeated.load(Ordering::Relaxed) > 0, "nobody noticed");
    work.check(&postgres, WRITES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_server_that_is_killed_and_comes_back() {
    const KILLS: usize = 3;
    let pid_file = needed("APLOMB_TEST_DATABASE_PID_FILE");
    let _alone = SERVER.write().await;
    let postgres = Postgres::empty().await;
    postgres.set_up().await;
    let work = Work::open(&postgres).await;
    let mut writes = 0;
    for _ in 0..KILLS {
        let killed = kill_server(Path::new(&pid_file)).await;
        // Nothing was opened anew: connections come back by themselves.
        let repeated = work.repeated.load(Ordering::Relaxed);
        writes += 200;
        for task in work.begin(writes) {
            timeout(PATIENCE, task)
                .await
                .expect("no connection has come back")
                .unwrap();
        }
        assert_ne!(server_process(Path::new(&pid_file)), Some(killed));
        let repeated = work.repeated.load(Ordering::Relaxed) - repeated;
        assert!(
            repeated < 1_000,
            "{repeated} attempts: they did not wait for the server"
        );
    }
    let alive = timeout(PATIENCE, async {
        until_done(|| sqlx::query("SELECT 1").execute(&postgres.pool)).await;
        let path = format!("SET search_path = {}", postgres.name);
        sqlx::query(sqlx::AssertSqlSafe(path))
            .execute(&postgres.pool)
            .await
            .unwrap();
    });
    alive.await.unwrap();
    work.check(&postgres, writes).await;
}

fn server_process(pid_file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(pid_file).ok()?;
    text.lines().next().map(str::to_owned)
}

/// Lets the server end as if it had crashed; by which process it ran.
async fn kill_server(pid_file: &Path) -> String {
    let process = server_process(pid_file).unwrap();
    let killed = Command::new("kill").args(["-QUIT", &process]).status();
    assert!(killed.unwrap().success());
    let begun = Instant::now();
    while server_process(pid_file).as_ref() == Some(&process) {
        assert!(begun.elapsed() < PATIENCE, "the server does not end");
        sleep(Duration::from_millis(10)).await;
    }
    process
}

/// Callers give up in the middle of whatever a call is doing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_give_up_leave_nothing_half_done() {
    const WRITES: u64 = 150;
    let postgres = Postgres::fresh().await;
    let work = Work::open(&postgres).await;
    for sequence in 1..=WRITES {
        let patience = Duration::from_micros(sequence * 20);
        let (position, entry) = (position(1, sequence), entry(1, sequence));
        let _ = timeout(patience, work.playback[0].save(&position)).await;
        let _ = timeout(patience, work.outbox[0].enqueue(&entry)).await;
        // As a device does that tries again at another replica.
        until_done(|| work.playback[1].save(&position)).await;
        until_done(|| work.outbox[1].enqueue(&entry)).await;
    }
    for task in work.begin(WRITES) {
        timeout(PATIENCE, task).await.unwrap().unwrap();
    }
    work.check(&postgres, WRITES).await;
}

#[tokio::test]
async fn a_replica_that_is_paused_in_a_transaction_lets_others_go_on() {
    let postgres = Postgres::fresh().await;
    let store = postgres.playback().await;
    store.save(&position(1, 3)).await.unwrap();
    // As a service connects, but it goes no further than this.
    let paused = format!(
        "{}&options[idle_in_transaction_session_timeout]=1s",
        postgres.url.reveal()
    );
    let mut paused = PgConnection::connect(&paused).await.unwrap();
    let mut writing = paused.begin().await.unwrap();
    sqlx::query("UPDATE positions SET saved = 1")
        .execute(&mut *writing)
        .await
        .unwrap();

    let next = position(1, 6);
    // Nobody waits for a lock longer than a caller waits for an answer.
    let begun = Instant::now();
    assert!(store.save(&next).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(2));
    timeout(PATIENCE, until_done(|| store.save(&next)))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_ups_at_once_make_everything_once() {
    let running = SERVER.read().await;
    let postgres = Postgres::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.jsonl");
    let lines: Vec<_> = (1..=5)
        .map(|id| format!(r#"{{"id":{id},"name":"user-{id}","password":"secret","plan":"basic"}}"#))
        .collect();
    std::fs::write(&users, lines.join("\n")).unwrap();
    let url_file = folder.path().join("url");
    std::fs::write(&url_file, postgres.url.reveal()).unwrap();
    let set_up = || {
        let mut command = demo();
        command
            .arg("setup-database")
            .arg("--database-url-file")
            .arg(&url_file);
        command.arg("--users-file").arg(&users);
        command
    };
    let all: Vec<_> = (0..3).map(|_| set_up().spawn().unwrap()).collect();
    for mut one in all {
        assert!(one.wait().unwrap().success());
    }
    for (statement, expected) in [
        ("SELECT count(*) FROM users", 5),
        ("SELECT count(*) FROM signing_keys", 1),
        ("SELECT count(*) FROM mesh_version", 1),
    ] {
        assert_eq!(
            postgres.count(Part::Auth, statement).await,
            expected,
            "{statement}"
        );
    }
    let again = set_up().output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&again.stdout),
        "added 0 of 5 users\n"
    );
    drop(running);
}

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo-services"));
    command.env_remove("APLOMB_DATABASE_URL");
    command
}

/// What opening it says, all causes included.
async fn refusal(url: &str) -> String {
    let opened = PostgresAuth::open(&url.parse().unwrap()).await;
    format!("{:#}", opened.err().unwrap())
}

#[tokio::test]
async fn what_is_not_set_up_or_refuses_is_a_clear_error_without_the_secret() {
    let _running = SERVER.read().await;
    let postgres = Postgres::empty().await;
    let url = postgres.url.reveal();
    let said = refusal(url).await;
    assert!(said.contains("demo-services setup-database"), "{said}");

    let (user, rest) = url.split_once("://").unwrap().1.split_once('@').unwrap();
    let name = user.split(':').next().unwrap();
    let said = refusal(&format!("postgres://{name}:wrongsecret@{rest}")).await;
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("secret"), "{said}");
    let nowhere = rest.replacen("/postgres", "/nowhere", 1);
    let said = refusal(&format!("postgres://{user}@{nowhere}")).await;
    assert!(said.contains("nowhere"), "{said}");

    postgres.set_up().await;
    postgres
        .change(Part::Auth, "UPDATE mesh_version SET version = 99")
        .await;
    assert!(refusal(url).await.contains("form 99"));
    let again = PostgresSetUp::begin(&postgres.url).await;
    assert!(again.err().unwrap().to_string().contains("form 99"));
}

#[tokio::test]
async fn a_server_that_is_away_keeps_nobody_from_starting() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let url = format!("postgres://u:secret@{address}/d").parse().unwrap();
    let store = PostgresOutbox::open(&url).await.unwrap();
    let begun = Instant::now();
    let error = store.pending(1).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(!format!("{error:#} {error:?}").contains("secret"));
}
