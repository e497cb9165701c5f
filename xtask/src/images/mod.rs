//! `cargo xtask images`: the programs, static, as archives that Docker, containerd and podman load.

mod archive;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::run;

/// What is built: each is the name of a package, of its program and of its image.
pub(crate) const PROGRAMS: [&str; 2] = ["chaos-monkey", "demo-services"];

/// What the programs are built with in addition: a mesh on many nodes shares a database.
const FEATURES: &str = "demo-services/postgres";

/// No archive may be larger, in bytes.
const LARGEST: usize = 30_000_000;

/// The programs, static, as image archives; neither Docker nor buildah is needed
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only these [default: all]
    #[arg(value_parser = PROGRAMS)]
    pub programs: Vec<String>,

    /// The folder of the archives [default: target/images]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let out = arguments.out.clone().unwrap_or_else(folder);
    let chosen: Vec<&str> = PROGRAMS
        .into_iter()
        .filter(|it| {
            arguments.programs.is_empty() || arguments.programs.iter().any(|one| one == it)
        })
        .collect();
    println!("| image | archive | MB |");
    println!("|---|---|--:|");
    for (program, file) in chosen.iter().zip(write(&chosen, &out)?) {
        let megabytes = std::fs::metadata(&file)?.len() as f64 / 1e6;
        println!(
            "| {} | {} | {megabytes:.1} |",
            name(program),
            file.display()
        );
    }
    Ok(())
}

/// Where archives are written unless somebody says otherwise.
pub(crate) fn folder() -> PathBuf {
    run::target().join("images")
}

/// The name of a program's image: of this machine, so that nobody pulls a stranger's.
pub(crate) fn name(program: &str) -> String {
    format!("localhost/{program}:{}", env!("CARGO_PKG_VERSION"))
}

/// Builds programs and writes their archives; says where they are, in the same order.
pub(crate) fn write(programs: &[&str], out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let built = build()?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let archived = programs.iter().map(|program| {
        let file = built.join(program);
        let binary = std::fs::read(&file);
        let binary = binary.with_context(|| format!("cannot read {}", file.display()))?;
        let archive = archive::of(&name(program), program, &binary)?;
        ensure!(
            archive.len() <= LARGEST,
            "the image of {program} has {} bytes: at most {LARGEST} are allowed",
            archive.len()
        );
        let file = out.join(format!("{program}.tar"));
        std::fs::write(&file, archive)
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    });
    archived.collect()
}

/// Builds the static programs in release, and says in which folder they are. All at once: one alone
/// would need some of what they share with other features, and so a second time.
fn build() -> anyhow::Result<PathBuf> {
    // Without a target the flag would reach build scripts and macros, too, which cannot be static.
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let status = run::cargo()
        .args(["build", "--release", "--locked", "--target", &target])
        .args(["--features", FEATURES])
        .args(PROGRAMS.iter().flat_map(|it| ["--package", it]))
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        // Nobody looks for names in an image, and they are half of it.
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .current_dir(run::root())
        .status()?;
    ensure!(status.success(), "the static programs do not build");
    Ok(run::target().join(target).join("release"))
}
