//! What playback needs to know beyond what every service does.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::manifest::ManifestKey;
use crate::shell::DatabaseSettings;

/// The shortest key that signs, in bytes.
const SHORTEST_KEY: usize = 16;

/// Where playback keeps what changes, and what it signs with.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PlaybackSettings {
    /// Where streams and positions are kept.
    #[command(flatten)]
    pub database: DatabaseSettings,

    /// File with the key that signs manifest addresses, the same for all replicas
    /// [default: keys/manifest.key in the data folder]
    #[arg(long, env = "APLOMB_MANIFEST_KEY_FILE", value_name = "FILE")]
    pub manifest_key_file: Option<PathBuf>,
}

impl PlaybackSettings {
    pub(super) fn manifest_key(&self, data: &Path) -> anyhow::Result<ManifestKey> {
        let (path, remedy) = match &self.manifest_key_file {
            Some(path) => (path.clone(), "give another --manifest-key-file"),
            None => (
                data.join("keys").join("manifest.key"),
                "make it with `demo-services setup`, or give --manifest-key-file",
            ),
        };
        let key = std::fs::read(&path)
            .with_context(|| format!("cannot read {}: {remedy}", path.display()))?;
        anyhow::ensure!(
            key.len() >= SHORTEST_KEY,
            "{} holds {} bytes: a key has at least {SHORTEST_KEY}",
            path.display(),
            key.len()
        );
        Ok(ManifestKey::new(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_from_its_file_or_from_the_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("keys")).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        write("keys/manifest.key", "0123456789abcdef");
        let own = write("own.key", "fedcba9876543210");
        let url = |settings: &PlaybackSettings| {
            let key = settings.manifest_key(folder.path()).unwrap();
            key.url(1, "stream", 1_000).unwrap()
        };
        let mut settings = PlaybackSettings::default();
        let by_default = url(&settings);
        settings.manifest_key_file = Some(own);
        assert_ne!(url(&settings), by_default);
    }

    #[test]
    fn a_key_that_cannot_be_is_named_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let said = |settings: &PlaybackSettings| {
            let error = settings.manifest_key(folder.path()).err().unwrap();
            format!("{error:#}")
        };
        let mut settings = PlaybackSettings::default();
        assert!(said(&settings).contains("demo-services setup"));
        let short = folder.path().join("short.key");
        std::fs::write(&short, "secret").unwrap();
        settings.manifest_key_file = Some(short);
        let error = said(&settings);
        assert!(error.contains("short.key holds 6 bytes"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
