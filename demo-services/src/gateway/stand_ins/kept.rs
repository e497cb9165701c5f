//! One fetched thing, in memory and on disk.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use parking_lot::RwLock;

/// One fetched thing. What is on disk is either the old or the new one, never half of one.
pub(crate) struct Kept<T> {
    path: PathBuf,
    parse: fn(&[u8]) -> anyhow::Result<T>,
    current: RwLock<Option<Arc<T>>>,
}

impl<T> Kept<T> {
    /// Reads what is on disk. Nothing, or something that makes no sense, is as good as nothing:
    /// it will be fetched.
    pub(super) fn open(path: PathBuf, parse: fn(&[u8]) -> anyhow::Result<T>) -> Self {
        let current = std::fs::read(&path).ok().and_then(|bytes| {
            parse(&bytes)
                .inspect_err(|error| {
                    tracing::warn!(path = %path.display(), error = %error, "{} is damaged and will be fetched again", path.display());
                })
                .ok()
        });
        Self {
            path,
            parse,
            current: RwLock::new(current.map(Arc::new)),
        }
    }

    /// The current one.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        self.current.read().clone()
    }

    /// Replaces it in memory and on disk.
    pub(super) async fn replace(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let parsed = (self.parse)(bytes)?;
        *self.current.write() = Some(Arc::new(parsed));
        let temporary = self.path.with_extension("new");
        let keep = async {
            tokio::fs::write(&temporary, bytes).await?;
            tokio::fs::rename(&temporary, &self.path).await
        };
        keep.await
            .with_context(|| format!("cannot keep {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(bytes: &[u8]) -> anyhow::Result<u32> {
        Ok(std::str::from_utf8(bytes)?.parse()?)
    }

    #[tokio::test]
    async fn survives_a_restart_and_refuses_what_makes_no_sense() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let kept = Kept::open(path.clone(), number);
        assert_eq!(kept.get(), None);
        kept.replace(b"7").await.unwrap();
        assert!(kept.replace(b"seven").await.is_err());
        assert_eq!(kept.get().as_deref(), Some(&7));
        assert_eq!(Kept::open(path.clone(), number).get().as_deref(), Some(&7));

        std::fs::write(&path, "torn").unwrap();
        assert_eq!(Kept::open(path, number).get(), None);
    }
}
