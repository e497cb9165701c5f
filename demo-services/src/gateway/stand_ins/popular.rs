//! Popular rows stand in for the rows made for a user.

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Serialize};

use super::{StandIns, json_response};

/// Rows of titles as recommendations answers them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
}

/// One row of titles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) titles: Vec<u32>,
}

impl Rows {
    pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

/// The answer that recommendations would have given to somebody it does not know.
pub(crate) fn popular_rows(stand_ins: &StandIns) -> Option<Response<Bytes>> {
    json_response(stand_ins.popular.get()?.as_ref())
}
