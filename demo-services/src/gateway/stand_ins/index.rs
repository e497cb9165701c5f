//! A compact index of all titles stands in for metadata: names, years and genres, enough for
//! cards, title pages and a search by name.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{StandIns, json_response};

/// The number of hits when a search does not say.
const DEFAULT_HITS: usize = 20;

/// What is known of a title without metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TitleCard {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) year: u16,
    pub(crate) genres: Vec<String>,
}

/// All titles, by id, with their names in lower case for the search.
#[derive(Debug)]
pub(crate) struct CompactIndex {
    cards: BTreeMap<u32, (TitleCard, String)>,
}

impl CompactIndex {
    pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Wire {
            titles: Vec<(u32, String, u16, String)>,
        }
        let wire: Wire = serde_json::from_slice(bytes)?;
        anyhow::ensure!(!wire.titles.is_empty(), "the index is empty");
        let cards = wire.titles.into_iter().map(|(id, name, year, genre)| {
            let lower = name.to_lowercase();
            let genres = vec![genre];
            let card = TitleCard {
                id,
                name,
                year,
                genres,
            };
            (id, (card, lower))
        });
        Ok(Self {
            cards: cards.collect(),
        })
    }

    /// One title.
    pub(crate) fn title(&self, id: u32) -> Option<&TitleCard> {
        self.cards.get(&id).map(|(card, _)| card)
    }

    /// Titles in whose name each word of the query begins a word.
    pub(crate) fn search(&self, query: &str, limit: usize) -> Vec<&TitleCard> {
        let query = query.to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        if words.is_empty() {
            return Vec::new();
        }
        let hit = |name: &str| {
            words
                .iter()
                .all(|word| name.split_whitespace().any(|part| part.starts_with(word)))
        };
        self.cards
            .values()
            .filter(|(_, name)| hit(name))
            .map(|(card, _)| card)
            .take(limit)
            .collect()
    }
}

/// The answer that metadata would have given, from the index.
pub(crate) fn titles_from_index(
    stand_ins: &StandIns,
    request: &Request<Bytes>,
) -> Option<Response<Bytes>> {
    let index = stand_ins.index.get()?;
    let query = request.uri().query().unwrap_or_default();
    match request.uri().path() {
        "/v1/titles" => {
            let ids = parameter(query, "ids")?;
            let titles: Vec<_> = ids
                .split(',')
                .filter_map(|id| index.title(id.parse().ok()?))
                .collect();
            json_response(&json!({"titles": titles}))
        }
        "/v1/search" => {
            let words = parameter(query, "q")?;
            let limit = parameter(query, "limit").and_then(|limit| limit.parse().ok());
            let titles = index.search(&words, limit.unwrap_or(DEFAULT_HITS));
            json_response(&json!({"titles": titles}))
        }
        path => {
            let id = path.strip_prefix("/v1/titles/")?.parse().ok()?;
            json_response(index.title(id)?)
        }
    }
}

/// An empty list of positions stands in when not even an old one is there. Writes never get
/// here: they go to the outbox.
pub(crate) fn no_positions(request: &Request<Bytes>) -> Option<Response<Bytes>> {
    if request.method() != Method::GET || request.uri().path() != "/v1/positions" {
        return None;
    }
    json_response(&json!({"positions": []}))
}

fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> CompactIndex {
        let wire = br#"{"titles":[[1,"The Silent Harbour",1999,"drama"],[2,"Harbour Lights",2011,"comedy"]]}"#;
        CompactIndex::parse(wire).unwrap()
    }

    #[test]
    fn search_matches_beginnings_of_words_in_any_order() {
        let index = index();
        let names = |query: &str| -> Vec<u32> {
            index.search(query, 10).iter().map(|card| card.id).collect()
        };
        assert_eq!(names("harb"), [1, 2]);
        assert_eq!(names("HARBOUR the"), [1]);
        assert_eq!(names("arbour"), [] as [u32; 0]);
        assert_eq!(names("  "), [] as [u32; 0]);
        assert_eq!(index.search("harb", 1).len(), 1);
    }

    #[test]
    fn an_empty_index_is_no_stand_in() {
        assert!(CompactIndex::parse(br#"{"titles":[]}"#).is_err());
        assert!(CompactIndex::parse(b"garbage").is_err());
    }
}
