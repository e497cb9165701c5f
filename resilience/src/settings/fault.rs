//! Settings of faults on purpose.

#[cfg(feature = "signed-faults")]
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Mistake;
#[cfg(feature = "signed-faults")]
use crate::fault::signed::FaultKey;
use crate::fault::{Faults, FaultsBuilder};

/// That a service or a client can be broken on purpose at all; see [`Faults`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FaultSettings {
    /// `false`: it cannot, whatever else stands here.
    pub enabled: Option<bool>,
    /// The seed of percentages and of drawn delays (default 0).
    pub seed: Option<u64>,
    /// The file with the key of faults that requests bring, at least 32 bytes (default: none,
    /// and no request can bring any). In a file of its own, so that settings hold no secret.
    #[cfg(feature = "signed-faults")]
    pub key_file: Option<PathBuf>,
}

impl FaultSettings {
    pub(super) fn builder(&self, name: &str) -> Result<Option<FaultsBuilder>, Mistake> {
        if self.enabled == Some(false) {
            return Ok(None);
        }
        let mut builder = Faults::builder(name);
        if let Some(seed) = self.seed {
            builder = builder.seed(seed);
        }
        #[cfg(feature = "signed-faults")]
        if let Some(file) = &self.key_file {
            builder = builder.key(read_key(name, file)?);
        }
        Ok(Some(builder))
    }
}

#[cfg(feature = "signed-faults")]
fn read_key(name: &str, file: &std::path::Path) -> Result<FaultKey, Mistake> {
    let wrong = |what: String| {
        let message = format!("`{}` {what}", file.display());
        Mistake::new(format!("faults.{name}.key_file"), message)
    };
    let key = std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    FaultKey::new(key.trim_ascii_end()).map_err(|error| wrong(format!("is no key: {error}")))
}
