//! Lists of objects, page by page, so that neither side holds all of them at once.

use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;

use super::connection::{ClusterError, ask};
use crate::agent::object::Object;

/// How many objects are in a page.
const PAGE: u32 = 500;

/// How often a list is begun anew whose next page has expired.
const BEGINNINGS: u32 = 3;

#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
    /// An empty list may be null.
    items: Option<Vec<Object>>,
}

#[derive(Deserialize, Default)]
struct PageMetadata {
    #[serde(default)]
    r#continue: String,
}

/// What is listed, and how much of each object.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    /// The address of the collection.
    pub(super) path: String,
    /// The labels by which objects are selected.
    pub(super) labels: Option<String>,
    /// Whether only their metadata are sent.
    pub(super) only_metadata: bool,
}

impl Listing {
    /// The metadata of everything at an address.
    pub(super) const fn metadata_of(path: String) -> Self {
        Self {
            path,
            labels: None,
            only_metadata: true,
        }
    }

    /// Lists all of them.
    pub(super) async fn all(&self, client: &Client) -> Result<Vec<Object>, ClusterError> {
        let mut beginnings = 0;
        'anew: loop {
            beginnings += 1;
            let mut objects = Vec::new();
            let mut next = None;
            loop {
                match self.page(client, next.take()).await {
                    Ok(page) => {
                        objects.extend(page.items.into_iter().flatten());
                        if page.metadata.r#continue.is_empty() {
                            return Ok(objects);
                        }
                        next = Some(page.metadata.r#continue);
                    }
                    Err(error) if error.code() == 410 && beginnings < BEGINNINGS => continue 'anew,
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn page(&self, client: &Client, next: Option<String>) -> Result<Page, ClusterError> {
        let parameters = ListParams {
            label_selector: self.labels.clone(),
            limit: Some(PAGE),
            continue_token: next,
            ..ListParams::default()
        };
        let request = Request::new(&self.path);
        let request = if self.only_metadata {
            request.list_metadata(&parameters)
        } else {
            request.list(&parameters)
        };
        let what = format!("list {}", self.path);
        let request = request.map_err(kube::Error::BuildRequest);
        ask(what, async { client.request(request?).await }).await
    }
}

#[cfg(test)]
mod tests;
