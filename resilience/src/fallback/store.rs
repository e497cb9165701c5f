//! Where good answers are kept: bounded in number, in memory and in age.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use indexmap::IndexMap;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::config::LastGoodConfig;
use crate::cache_control;
use crate::ledger::{self, Reason};

/// Good answers by key.
#[derive(Debug)]
pub(super) struct Store {
    config: LastGoodConfig,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: IndexMap<String, Answer>,
    bytes: usize,
    /// Where the search for an answer that may go goes on.
    hand: usize,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    kept_at: Instant,
    bytes: usize,
    was_used: bool,
    /// Whether it may be given before the dependency is asked.
    may_be_given: bool,
    is_refreshing: bool,
    /// Why the last refresh failed.
    refresh_failed: Option<Reason>,
}

/// An answer that is given before the dependency is asked.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) response: Response<Bytes>,
    pub(super) age: Duration,
    pub(super) is_fresh: bool,
    /// The refresh that has to begin: one at a time, known by when its answer was kept.
    pub(super) refresh: Option<Instant>,
    /// Why the last refresh failed, if it did.
    pub(super) refresh_failed: Option<Reason>,
}

/// What came of a refresh that kept no new answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshEnd {
    /// Nobody knows.
    Unknown,
    /// The dependency failed.
    Failed(Reason),
    /// The dependency answered with what is not kept: what was kept is no longer true.
    Superseded,
}

impl Store {
    pub(super) fn new(config: LastGoodConfig) -> Self {
        Self {
            config,
            kept: Mutex::default(),
        }
    }

    /// From which age on answers are no longer given.
    pub(super) const fn maximum_age(&self) -> Duration {
        self.config.maximum_age
    }

    /// Keeps an answer in place of the one before. One that is larger than the whole store
    /// is not kept.
    pub(super) fn keep(
        &self,
        key: &str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
        now: Instant,
    ) {
        let bytes = key.len() + header_bytes(headers) + body.len();
        if bytes > self.config.maximum_bytes {
            return;
        }
        let answer = Answer {
            status,
            headers: headers.clone(),
            body: body.clone(),
            kept_at: now,
            bytes,
            was_used: true,
            may_be_given: may_be_given(headers),
            is_refreshing: false,
            refresh_failed: None,
        };
        let mut kept = self.kept.lock();
        let key = match kept.answers.swap_remove_entry(key) {
            Some((key, previous)) => {
                kept.bytes -= previous.bytes;
                key
            }
            None => key.to_owned(),
        };
        // Room is made first, so that it is never the newest answer that goes.
        while kept.answers.len() >= self.config.capacity
            || kept.bytes + bytes > self.config.maximum_bytes
        {
            kept.make_room();
        }
        kept.bytes += bytes;
        kept.answers.insert(key, answer);
    }

    /// The answer under `key` and its age, unless it is too old.
    pub(super) fn get(&self, key: &str, now: Instant) -> Option<(Response<Bytes>, Duration)> {
        let mut kept = self.kept.lock();
        let answer = kept.answers.get_mut(key)?;
        let age = now.saturating_duration_since(answer.kept_at);
        if age >= self.config.maximum_age {
            return None;
        }
        answer.was_used = true;
        Some((answer.response(), age))
    }

    /// The answer under `key`, if it is young enough to be given before the dependency is
    /// asked. Whoever gets a refresh must make it, and say how it [ended](Self::end_refresh).
    pub(super) fn give(&self, key: &str, now: Instant) -> Option<Given> {
        let revalidate = self.config.revalidate?;
        let mut kept = self.kept.lock();
        let answer = kept.answers.get_mut(key)?;
        let age = now.saturating_duration_since(answer.kept_at);
        if !answer.may_be_given || age >= revalidate.given_for() {
            return None;
        }
        answer.was_used = true;
        let is_fresh = age < revalidate.fresh_for;
        let begins = !is_fresh && !std::mem::replace(&mut answer.is_refreshing, !is_fresh);
        Some(Given {
            response: answer.response(),
            age,
            is_fresh,
            refresh: begins.then_some(answer.kept_at),
            refresh_failed: answer.refresh_failed,
        })
    }

    /// Ends the refresh of the answer that was kept then; of a newer one it says nothing.
    pub(super) fn end_refresh(&self, key: &str, kept_at: Instant, end: RefreshEnd) {
        let mut kept = self.kept.lock();
        let Some(answer) = kept.answers.get_mut(key) else {
            return;
        };
        if answer.kept_at != kept_at {
            return;
        }
        answer.is_refreshing = false;
        match end {
            RefreshEnd::Unknown => {}
            RefreshEnd::Failed(reason) => answer.refresh_failed = Some(reason),
            RefreshEnd::Superseded => {
                if let Some(answer) = kept.answers.swap_remove(key) {
                    kept.bytes -= answer.bytes;
                }
            }
        }
    }
}

impl Answer {
    fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

impl Kept {
    /// Lets the next answer go that was not used since the hand last passed it.
    fn make_room(&mut self) {
        loop {
            if self.hand >= self.answers.len() {
                self.hand = 0;
            }
            let Some((_, answer)) = self.answers.get_index_mut(self.hand) else {
                return;
            };
            if !std::mem::take(&mut answer.was_used) {
                self.bytes -= answer.bytes;
                self.answers.swap_remove_index(self.hand);
                return;
            }
            self.hand += 1;
        }
    }
}

fn may_be_given(headers: &HeaderMap) -> bool {
    !headers.contains_key(ledger::HEADER)
        && !headers.contains_key(header::VARY)
        && !cache_control::says(headers, "no-cache")
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AGE: Duration = Duration::from_mins(1);

    fn store(capacity: usize, maximum_bytes: usize) -> Store {
        Store::new(LastGoodConfig {
            capacity,
            maximum_bytes,
            maximum_age: AGE,
            share: 1.0,
            ..LastGoodConfig::default()
        })
    }

    fn keep(store: &Store, key: &str, body: impl Into<Bytes>, now: Instant) {
        store.keep(key, StatusCode::OK, &HeaderMap::new(), &body.into(), now);
    }

    fn has(store: &Store, key: &str) -> bool {
        store.kept.lock().answers.contains_key(key)
    }

    #[test]
    fn an_answer_comes_back_whole_with_its_age() {
        let store = store(10, 1_000);
        let now = Instant::now();
        let mut headers = HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static("text/plain"));
        store.keep(
            "a",
            StatusCode::CREATED,
            &headers,
            &Bytes::from_static(b"old"),
            now,
        );
        let (response, age) = store.get("a", now + Duration::from_secs(5)).unwrap();
        assert_eq!(age, Duration::from_secs(5));
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers(), &headers);
        assert_eq!(response.body(), "old");
    }

    #[test]
    fn an_answer_is_gone_at_its_maximum_age_and_a_newer_one_is_young() {
        let store = store(10, 1_000);
        let now = Instant::now();
        keep(&store, "a", "old", now);
        assert!(
            store
                .get("a", now + AGE.checked_sub(Duration::from_nanos(1)).unwrap())
                .is_some()
        );
        assert!(store.get("a", now + AGE).is_none());
        keep(&store, "a", "new", now + AGE);
        assert_eq!(store.get("a", now + AGE).unwrap().0.body(), "new");
    }

    #[test]
    fn what_was_used_stays_longer() {
        let store = store(3, 1_000);
        let now = Instant::now();
        for key in ["a", "b", "c", "d"] {
            keep(&store, key, "x", now);
        }
        // The hand has passed everything once: only what is used from now on is safe.
        let survivors: Vec<_> = ["b", "c"]
            .into_iter()
            .filter(|key| has(&store, key))
            .collect();
        let used = survivors[0];
        store.get(used, now);
        keep(&store, "e", "x", now);
        keep(&store, "f", "x", now);
        assert!(has(&store, used));
        assert!(has(&store, "f"));
    }

    #[test]
    fn an_answer_larger_than_the_store_is_not_kept() {
        let store = store(3, 10);
        keep(&store, "a", "small", Instant::now());
        keep(&store, "b", "far too large", Instant::now());
        assert!(has(&store, "a") && !has(&store, "b"));
    }

    proptest! {
        #[test]
        fn bounds_hold_and_the_newest_answer_is_there(
            capacity in 1_usize..6,
            maximum_bytes in 10_usize..60,
            writes in prop::collection::vec((0_u8..9, 0_usize..12, any::<bool>()), 1..120),
        ) {
            let store = store(capacity, maximum_bytes);
            let now = Instant::now();
            for (key, length, is_read) in writes {
                let key = key.to_string();
                if is_read {
                    store.get(&key, now);
                    continue;
                }
                keep(&store, &key, vec![0; length], now);
                let kept = store.kept.lock();
                prop_assert!(kept.answers.len() <= capacity);
                let bytes: usize = kept.answers.values().map(|answer| answer.bytes).sum();
                prop_assert_eq!(kept.bytes, bytes);
                prop_assert!(bytes <= maximum_bytes);
                let fits = key.len() + length <= maximum_bytes;
                prop_assert!(kept.answers.contains_key(&key) || !fits);
            }
        }
    }
}
