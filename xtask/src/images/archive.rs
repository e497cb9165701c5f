//! An image of one program on nothing else, as an archive of Docker's form: the same bytes for the
//! same program.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// Nobody, as most systems know it.
const USER: &str = "65534:65534";

/// Where programs are, and where they are looked for.
const FOLDER: &str = "/usr/local/bin";

/// The archive of an image: what the [Dockerfile](../../../Dockerfile) says, too.
pub(super) fn of(name: &str, program: &str, binary: &[u8]) -> anyhow::Result<Vec<u8>> {
    let layer = layer(program, binary)?;
    let config = json!({
        "architecture": architecture()?,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "User": USER,
            "Env": [format!("PATH={FOLDER}")],
            "Entrypoint": [format!("{FOLDER}/{program}")],
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer))]},
        "history": [{"created_by": "cargo xtask images"}],
    })
    .to_string();
    let config_name = format!("{}.json", digest(config.as_bytes()));
    let manifest = json!([
        {"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]},
    ])
    .to_string();
    let mut archive = Builder::new(Vec::new());
    add(&mut archive, &config_name, config.as_bytes(), 0o644)?;
    add(&mut archive, "layer.tar", &layer, 0o644)?;
    add(&mut archive, "manifest.json", manifest.as_bytes(), 0o644)?;
    Ok(archive.into_inner()?)
}

/// The program, and the folders on the way to it.
fn layer(program: &str, binary: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut layer = Builder::new(Vec::new());
    for folder in ["usr/", "usr/local/", "usr/local/bin/"] {
        let mut header = header(0, 0o755);
        header.set_entry_type(EntryType::Directory);
        layer.append_data(&mut header, folder, [].as_slice())?;
    }
    let path = format!("{}/{program}", FOLDER.trim_start_matches('/'));
    add(&mut layer, &path, binary, 0o755)?;
    Ok(layer.into_inner()?)
}

fn add(tar: &mut Builder<Vec<u8>>, path: &str, data: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut header = header(data.len() as u64, mode);
    tar.append_data(&mut header, path, data)
        .with_context(|| format!("cannot archive {path}"))
}

fn header(size: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(size);
    header.set_mode(mode);
    // Of no time and of root, whoever builds it and whenever.
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn digest(data: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(data) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The word of images for the machine that this runs on, and so builds for.
fn architecture() -> anyhow::Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => anyhow::bail!("images are made on x86_64 and aarch64, not on {other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use serde_json::Value;

    use super::*;

    fn files(archive: &[u8]) -> BTreeMap<String, (Header, Vec<u8>)> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut data = Vec::new();
            entry.read_to_end(&mut data).unwrap();
            (path, (entry.header().clone(), data))
        });
        entries.collect()
    }

    #[test]
    fn the_manifest_leads_to_the_program() {
        let archive = of("localhost/it:1", "it", b"a program").unwrap();
        let files_of_it = files(&archive);
        let manifest: Value = serde_json::from_slice(&files_of_it["manifest.json"].1).unwrap();
        assert_eq!(manifest[0]["RepoTags"], json!(["localhost/it:1"]));
        let config = &files_of_it[manifest[0]["Config"].as_str().unwrap()].1;
        assert_eq!(
            manifest[0]["Config"],
            format!("{}.json", digest(config)),
            "a configuration is named after its content"
        );
        let config: Value = serde_json::from_slice(config).unwrap();
        let layer = &files_of_it[manifest[0]["Layers"][0].as_str().unwrap()].1;
        assert_eq!(
            config["rootfs"]["diff_ids"],
            json!([format!("sha256:{}", digest(layer))])
        );
        assert_eq!(config["config"]["User"], USER);
        let entrypoint = config["config"]["Entrypoint"][0].as_str().unwrap();
        let (header, program) = &files(layer)[entrypoint.trim_start_matches('/')];
        assert_eq!(program, b"a program");
        assert_eq!(header.mode().unwrap(), 0o755);
    }

    #[test]
    fn the_same_program_gives_the_same_bytes() {
        let archive = || of("localhost/it:1", "it", b"a program").unwrap();
        assert_eq!(archive(), archive());
    }
}
