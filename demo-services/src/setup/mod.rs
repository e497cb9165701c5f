//! Makes what the mesh runs on: catalogue, similarity, users and keys.

pub mod catalogue;
pub mod database;
#[cfg(any(feature = "postgres", test))]
mod seed;
mod users;

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use crate::auth;
use crate::store::{AuthStore, SqliteAuth, SqliteOutbox, SqlitePlayback};

/// The file that says that a folder is complete, and from which seed.
const COMPLETE: &str = "complete.json";

/// The form of the files; a folder of another form is refused.
const FORMAT: u32 = 2;

/// Make the catalogue, the users and the keys that the mesh runs on.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Folder to make; a complete one of the same size and seed is left alone
    #[arg(long, env = "APLOMB_DATA", value_name = "DIR")]
    pub data: PathBuf,

    /// From what the catalogue is made.
    #[command(flatten)]
    pub size: catalogue::Size,

    /// How many users can log in
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub users: u32,
}

/// Runs set-up and says what it did.
///
/// # Errors
///
/// Whatever the disk says.
pub async fn command(arguments: Arguments) -> anyhow::Result<()> {
    let begun = tokio::time::Instant::now();
    let made = run(&arguments).await?;
    let folder = arguments.data.display();
    if made {
        println!("made {folder} in {:.1} s", begun.elapsed().as_secs_f64());
    } else {
        println!("{folder} is complete already");
    }
    Ok(())
}

/// Makes the folder unless it is complete; whether it did.
///
/// It is made beside its place and renamed, so that half of one is never used.
///
/// # Errors
///
/// Whatever the disk says, or a folder that is there and was not made by set-up.
pub async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let wanted = json!({
        "format": FORMAT,
        "seed": arguments.size.seed,
        "titles": arguments.size.titles,
        "viewers": arguments.size.viewers,
        "users": arguments.users,
    })
    .to_string();
    if arguments.data.exists() {
        let complete = std::fs::read_to_string(arguments.data.join(COMPLETE)).unwrap_or_default();
        anyhow::ensure!(
            complete == wanted,
            "{} is there already and was made differently: remove it or name another folder",
            arguments.data.display()
        );
        return Ok(false);
    }
    let making = beside(&arguments.data)?;
    if making.exists() {
        std::fs::remove_dir_all(&making)
            .with_context(|| format!("cannot remove {}", making.display()))?;
    }
    create_private(&making).with_context(|| format!("cannot create {}", making.display()))?;
    make(arguments, &making).await?;
    std::fs::write(making.join(COMPLETE), wanted)?;
    std::fs::rename(&making, &arguments.data)
        .with_context(|| format!("cannot create {}", arguments.data.display()))?;
    Ok(true)
}

/// Where a folder is made before it is renamed.
fn beside(folder: &Path) -> anyhow::Result<PathBuf> {
    let name = folder
        .file_name()
        .with_context(|| format!("{} names no folder", folder.display()))?;
    let mut making = name.to_owned();
    making.push(".making");
    Ok(folder.with_file_name(making))
}

/// A folder that only its owner may look into: SQLite puts files of its own beside a database,
/// with all that the database holds.
fn create_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(folder)?;
    std::fs::create_dir(folder.join("keys"))
}

async fn make(arguments: &Arguments, folder: &Path) -> anyhow::Result<()> {
    let users = users::draw(arguments.size.seed, arguments.users);
    let hashing = tokio::task::spawn_blocking({
        let users = users.clone();
        move || users::stored(&users)
    });
    let made = catalogue::make(arguments.size, folder).await?;
    let titles = made.titles;
    let popular = made.popular.iter().filter_map(|id| {
        let title = titles.get(usize::from(*id).checked_sub(1)?)?;
        Some(json!({"id": title.id, "name": title.name}))
    });
    write_lines(&folder.join("titles.jsonl"), popular)?;
    let words = titles.iter().map(|title| {
        let word = title.name.split(' ').next_back().unwrap_or("night");
        json!({"q": word.to_lowercase()})
    });
    write_lines(&folder.join("searches.jsonl"), words)?;

    let store = SqliteAuth::open(&folder.join("auth.sqlite")).await?;
    store.add_users(&hashing.await??).await?;
    store.add_signing_key(&auth::fresh_key()).await?;
    // The folder is renamed afterwards: no file in it may be open then.
    store.close().await;
    // Made here, since replicas that start together must not make them together.
    let playback = SqlitePlayback::open(&folder.join("playback.sqlite")).await?;
    playback.close().await;
    let outbox = SqliteOutbox::open(&folder.join("outbox.sqlite")).await?;
    outbox.close().await;
    write_secret(
        &folder.join("keys/manifest.key"),
        &rand::random::<[u8; 32]>(),
    )?;
    let lines: Vec<String> = users.iter().map(users::User::to_line).collect();
    write_secret(&folder.join("users.jsonl"), lines.join("\n").as_bytes())?;
    for name in ["auth.sqlite", "playback.sqlite", "outbox.sqlite"] {
        restrict(&folder.join(name))?;
    }
    Ok(())
}

fn write_lines(path: &Path, lines: impl Iterator<Item = serde_json::Value>) -> anyhow::Result<()> {
    let lines: Vec<String> = lines.map(|line| line.to_string()).collect();
    std::fs::write(path, lines.join("\n"))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn write_secret(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Only the owner may read it.
fn restrict(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("cannot protect {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(data: PathBuf) -> Arguments {
        Arguments {
            data,
            size: catalogue::Size {
                seed: 7,
                titles: 100,
                viewers: 200,
            },
            users: 3,
        }
    }

    #[tokio::test]
    async fn a_complete_folder_is_left_alone_and_a_different_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = arguments(folder.path().join("data"));
        assert!(run(&arguments).await.unwrap());
        let users = std::fs::read(arguments.data.join("users.jsonl")).unwrap();
        assert!(!run(&arguments).await.unwrap());
        assert_eq!(
            std::fs::read(arguments.data.join("users.jsonl")).unwrap(),
            users
        );
        arguments.size.seed = 8;
        let error = run(&arguments).await.unwrap_err().to_string();
        assert!(error.contains("made differently"), "{error}");
    }

    #[tokio::test]
    async fn passwords_are_drawn_and_titles_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (
            arguments(folder.path().join("one")),
            arguments(folder.path().join("other")),
        );
        run(&one).await.unwrap();
        run(&other).await.unwrap();
        let read = |arguments: &Arguments, name: &str| {
            std::fs::read_to_string(arguments.data.join(name)).unwrap()
        };
        assert_eq!(read(&one, "titles.jsonl"), read(&other, "titles.jsonl"));
        assert_ne!(read(&one, "users.jsonl"), read(&other, "users.jsonl"));
        assert_eq!(read(&one, "users.jsonl").lines().count(), 3);
        let bytes =
            |arguments: &Arguments, name: &str| std::fs::read(arguments.data.join(name)).unwrap();
        for name in ["catalogue.sqlite", "similarity.sqlite"] {
            assert!(bytes(&one, name) == bytes(&other, name), "{name} differs");
        }
        for name in ["auth.sqlite", "keys/manifest.key"] {
            assert!(
                bytes(&one, name) != bytes(&other, name),
                "{name} is the same"
            );
        }
    }

    #[tokio::test]
    async fn nobody_else_can_read_a_secret_and_no_file_is_left_open() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let arguments = arguments(folder.path().join("data"));
        run(&arguments).await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&arguments.data), 0o700);
        for secret in ["auth.sqlite", "users.jsonl", "keys/manifest.key"] {
            assert_eq!(mode(&arguments.data.join(secret)), 0o600, "{secret}");
        }
        let mut names: Vec<_> = std::fs::read_dir(&arguments.data)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "auth.sqlite",
                "catalogue.sqlite",
                "complete.json",
                "keys",
                "outbox.sqlite",
                "playback.sqlite",
                "searches.jsonl",
                "similarity.sqlite",
                "titles.jsonl",
                "users.jsonl",
            ]
        );
    }

    #[tokio::test]
    async fn what_an_interrupted_set_up_left_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = arguments(folder.path().join("data.v1"));
        let left = folder.path().join("data.v1.making");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("catalogue.sqlite"), "half of it").unwrap();
        let of_somebody_else = folder.path().join("data.making");
        std::fs::create_dir(&of_somebody_else).unwrap();
        assert!(run(&arguments).await.unwrap());
        assert!(!left.exists());
        assert!(of_somebody_else.exists());
        assert!(
            crate::metadata::Catalogue::open(&arguments.data.join("catalogue.sqlite"))
                .await
                .unwrap()
                .title(1)
                .await
                .unwrap()
                .is_some()
        );
    }
}
