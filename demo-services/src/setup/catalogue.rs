//! The catalogue and what is learnt from its viewers: what never changes once it is made.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::COMPLETE;
use crate::catalogue::{Taste, Title, generate, watch};
use crate::metadata;
use crate::recommendations::{self, Similarity};

/// The file that says that a folder's catalogue is complete, and from which seed.
const CATALOGUE_COMPLETE: &str = "catalogue.json";

/// The form of the files; a folder of another form is refused.
const FORMAT: u32 = 1;

/// Both files.
const FILES: [&str; 2] = ["catalogue.sqlite", "similarity.sqlite"];

/// From what a catalogue is made.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Size {
    /// Seed of catalogue, viewers and names; passwords and keys come from the system
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// How many titles the catalogue has
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u16).range(100..=20_000))]
    pub titles: u16,

    /// How many viewers the similarity is learnt from
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(200..=100_000))]
    pub viewers: u32,
}

/// Make only what never changes: the catalogue and what is learnt from its viewers.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Folder to make it in; a complete one of the same size and seed is left alone
    #[arg(long, env = "APLOMB_DATA", value_name = "DIR")]
    pub data: PathBuf,

    /// From what it is made.
    #[command(flatten)]
    pub size: Size,
}

/// Makes the files and says what it did.
///
/// # Errors
///
/// Whatever the disk says, or a folder with another catalogue.
pub async fn command(arguments: Arguments) -> anyhow::Result<()> {
    let begun = tokio::time::Instant::now();
    let folder = arguments.data.display();
    if run(&arguments).await? {
        let seconds = begun.elapsed().as_secs_f64();
        println!("made the catalogue in {folder} in {seconds:.1} s");
    } else {
        println!("the catalogue in {folder} is complete already");
    }
    Ok(())
}

/// Makes the files unless they are complete; whether it did.
///
/// The folder may be there, as one that is mounted is, so the files are made in a folder inside it
/// and renamed; the one that says that they are complete comes last.
///
/// # Errors
///
/// Whatever the disk says, or a folder with another catalogue.
pub async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let (data, size) = (&arguments.data, arguments.size);
    let wanted = json!({
        "format": FORMAT,
        "seed": size.seed,
        "titles": size.titles,
        "viewers": size.viewers,
    })
    .to_string();
    let complete = data.join(CATALOGUE_COMPLETE);
    if complete.exists() {
        let present = std::fs::read_to_string(&complete).unwrap_or_default();
        anyhow::ensure!(
            present == wanted,
            "the catalogue in {} was made differently: empty the folder or name another one",
            data.display()
        );
        return Ok(false);
    }
    anyhow::ensure!(
        !data.join(COMPLETE).exists(),
        "{} was made by `demo-services setup` and has a catalogue: name another folder",
        data.display()
    );
    let making = data.join(".making");
    if making.exists() {
        std::fs::remove_dir_all(&making)
            .with_context(|| format!("cannot remove {}", making.display()))?;
    }
    std::fs::create_dir_all(&making)
        .with_context(|| format!("cannot create {}", making.display()))?;
    make(size, &making).await?;
    std::fs::write(making.join(CATALOGUE_COMPLETE), wanted)
        .with_context(|| format!("cannot write into {}", making.display()))?;
    for name in FILES.into_iter().chain([CATALOGUE_COMPLETE]) {
        std::fs::rename(making.join(name), data.join(name))
            .with_context(|| format!("cannot create {} in {}", name, data.display()))?;
    }
    std::fs::remove_dir(&making).with_context(|| format!("cannot remove {}", making.display()))?;
    Ok(true)
}

/// What the files were made from.
pub(super) struct Catalogue {
    /// Title n stands at place n - 1.
    pub(super) titles: Vec<Title>,
    /// The numbers of titles, the most watched first.
    pub(super) popular: Vec<u16>,
}

/// Makes both files in a folder that has neither.
pub(super) async fn make(size: Size, folder: &Path) -> anyhow::Result<Catalogue> {
    let watching = tokio::task::spawn_blocking(move || {
        let taste = Taste::new(size.seed, size.titles);
        let histories = watch(size.seed, &taste, size.viewers);
        let similarity = Similarity::compute(size.titles, &histories);
        recommendations::Taste {
            similarity,
            histories,
        }
    });
    let titles = generate(size.seed, u32::from(size.titles));
    let [catalogue, similarity] = FILES.map(|name| folder.join(name));
    metadata::store(&catalogue, &titles).await?;
    let taste = watching.await?;
    recommendations::store(&similarity, &taste).await?;
    Ok(Catalogue {
        titles,
        popular: taste.similarity.popular,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(data: PathBuf, seed: u64) -> Arguments {
        let size = Size {
            seed,
            titles: 100,
            viewers: 200,
        };
        Arguments { data, size }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[tokio::test]
    async fn a_folder_that_is_there_gets_a_catalogue_and_a_complete_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let of = |seed| arguments(folder.path().to_owned(), seed);
        // As an earlier run left it that was ended in the middle.
        std::fs::create_dir(folder.path().join(".making")).unwrap();
        std::fs::write(folder.path().join(".making/catalogue.sqlite"), "half").unwrap();
        std::fs::write(folder.path().join("catalogue.sqlite"), "half").unwrap();
        assert!(run(&of(7)).await.unwrap());
        let made = ["catalogue.json", "catalogue.sqlite", "similarity.sqlite"];
        assert_eq!(names(folder.path()), made);
        let catalogue = metadata::Catalogue::open(&folder.path().join(FILES[0])).await;
        assert!(catalogue.unwrap().title(1).await.unwrap().is_some());
        assert!(
            recommendations::load(&folder.path().join(FILES[1]))
                .await
                .is_ok()
        );

        assert!(!run(&of(7)).await.unwrap());
        let error = run(&of(8)).await.unwrap_err().to_string();
        assert!(error.contains("made differently"), "{error}");
    }

    #[tokio::test]
    async fn what_set_up_made_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(COMPLETE), "").unwrap();
        let error = run(&arguments(folder.path().to_owned(), 7)).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("demo-services setup"), "{error}");
        assert_eq!(names(folder.path()), [COMPLETE]);
    }
}
