//! What the gateway keeps on disk to stand in for the others, so that a gateway that is
//! restarted during an outage still can.

mod index;
mod kept;
mod popular;
mod refresh;

use anyhow::Context;
use bytes::Bytes;
use http::{Response, header};

use crate::auth::verify::{KeySet, Revocations};
use crate::shell::ServiceSettings;

pub(crate) use index::{CompactIndex, TitleCard};
pub(super) use index::{no_positions, titles_from_index};
use kept::Kept;
pub(crate) use popular::Rows;
pub(super) use popular::popular_rows;

/// What is kept.
pub(crate) struct StandIns {
    pub(crate) popular: Kept<Rows>,
    pub(crate) index: Kept<CompactIndex>,
    pub(crate) keys: Kept<KeySet>,
    pub(crate) revocations: Kept<Revocations>,
}

impl StandIns {
    /// Opens this replica's folder and reads what an earlier life has left there.
    pub(super) fn open(settings: &ServiceSettings) -> anyhow::Result<Self> {
        let folder = settings.data()?;
        let folder = folder.join(format!("gateway-{}", settings.replica));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self {
            popular: Kept::open(folder.join("popular.json"), Rows::parse),
            index: Kept::open(folder.join("index.json"), CompactIndex::parse),
            keys: Kept::open(folder.join("keys.json"), KeySet::parse),
            revocations: Kept::open(folder.join("revocations.json"), Revocations::parse),
        })
    }

    /// Whether there is something to stand in for each service that needs it.
    fn complete(&self) -> bool {
        self.popular.get().is_some()
            && self.index.get().is_some()
            && self.keys.get().is_some()
            && self.revocations.get().is_some()
    }
}

/// An answer as the dependency would have given it.
fn json_response(value: &impl serde::Serialize) -> Option<Response<Bytes>> {
    let body = serde_json::to_vec(value).ok()?;
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .ok()
}
