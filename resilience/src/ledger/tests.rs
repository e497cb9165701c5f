//! The ledger as a whole: through hops in paused time, and its header against a naive reader's.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use parking_lot::Mutex;
use proptest::prelude::*;
use tokio::time::{advance, sleep};
use tower::{Service, ServiceExt, service_fn};

use super::*;
use crate::balance::Endpoints;
use crate::context::CallContext;
use crate::fallback::Fallback;
use crate::{Client, ClientBuilder};

// === Hops ===

/// A service of ours as the transport of a client in front of it.
fn in_process(
    router: Router,
) -> impl Service<Request<Bytes>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    let router = Arc::new(Mutex::new(router));
    service_fn(move |request: Request<Bytes>| {
        let router = router.lock().clone();
        router.oneshot(request.map(Body::from))
    })
}

fn client(name: &str, weight: f64) -> ClientBuilder {
    crate::client(name)
        .endpoints(Endpoints::parse("http://r0:80").unwrap())
        .weight(weight)
}

/// A service that asks all of these, answers in any case, and lost a part of its own.
fn hop(name: &str, next: Vec<Client>, own: Option<Degradation>) -> Router {
    let handler = service_fn(move |request: Request<Body>| {
        let (next, own) = (next.clone(), own.clone());
        async move {
            for client in next {
                let _ = client.send(Request::default()).await;
            }
            if let Some((context, own)) = CallContext::of(request.extensions()).zip(own) {
                context.degrade(own);
            }
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }
    });
    Router::new()
        .fallback_service(handler)
        .layer(crate::server(name).internal().build().unwrap())
}

/// What the service says of its answer, the parts by name.
async fn reported(router: &Router) -> (f64, Vec<Degradation>) {
    let request = Request::new(Body::empty());
    let answer = router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let mut entries = parse(answer.headers());
    entries.sort_by(|one, other| one.dependency.cmp(&other.dependency));
    (harvest(&entries), entries)
}

#[tokio::test(start_paused = true)]
async fn through_three_hops_each_weight_is_a_share_of_the_whole_answer() {
    let minute = Duration::from_mins(1);
    let avatars = Degradation::new("avatars", Reason::Timeout, "none", 0.5).aged(minute);
    let profiles = hop("profiles", Vec::new(), Some(avatars.clone()));
    let profiles = client("profiles", 0.4)
        .build_on(in_process(profiles))
        .unwrap();
    let ratings = Degradation::new("ratings", Reason::Open, "average", 0.1);
    let metadata = hop("metadata", vec![profiles], Some(ratings.clone()));
    let metadata = client("metadata", 0.5)
        .build_on(in_process(metadata))
        .unwrap();
    let (harvest, entries) = reported(&hop("gateway", vec![metadata], None)).await;
    let expected = [
        Degradation {
            weight: 0.1,
            ..avatars
        },
        Degradation {
            weight: 0.05,
            ..ratings
        },
    ];
    assert_eq!(entries, expected);
    assert!((harvest - 0.85).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_stand_in_grows_older_with_the_clock_and_a_fresh_answer_ends_it() {
    let is_well = Arc::new(Mutex::new(true));
    let is_well_there = Arc::clone(&is_well);
    let rows = service_fn(move |_: Request<Bytes>| {
        let status = if *is_well_there.lock() { 200 } else { 503 };
        let answer = Response::builder().status(status).body(Body::empty());
        async move { answer }
    });
    let rows = client("rows", 0.25)
        .retry(None)
        .breaker(None)
        .fallback(Fallback::new().last_good(10, Duration::from_mins(10)))
        .build_on(rows)
        .unwrap();
    let gateway = hop("gateway", vec![rows], None);
    assert_eq!(reported(&gateway).await, (1.0, Vec::new()));
    *is_well.lock() = false;
    for age in [7, 42] {
        advance(Duration::from_secs(if age == 7 { 7 } else { 35 })).await;
        let (harvest, entries) = reported(&gateway).await;
        let expected = Degradation::new("rows", Reason::Status, "last-good", 0.25)
            .aged(Duration::from_secs(age));
        assert_eq!(entries, [expected]);
        assert!((harvest - 0.75).abs() < 1e-9);
    }
    *is_well.lock() = true;
    assert_eq!(reported(&gateway).await, (1.0, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_lost_at_the_same_time_are_all_told_and_never_more_than_everything() {
    let slow = || {
        service_fn(async |_: Request<Bytes>| {
            sleep(Duration::from_mins(1)).await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        })
    };
    let part = |name: &str| {
        let stand_in = Fallback::new().default_with("none", 1.0, |_| Response::default());
        let client = client(name, 0.6).fallback(stand_in);
        client.build_on(slow()).unwrap()
    };
    let parts = ["ads", "rows"].map(part);
    let (harvest, entries) = reported(&hop("gateway", parts.into(), None)).await;
    let of = |name| Degradation::new(name, entries[0].reason, "none", 0.6);
    assert_eq!(entries, [of("ads"), of("rows")]);
    assert!((harvest - 0.0).abs() < 1e-9);
}

// === The header, against a naive writer ===

/// One member of the list as somebody else may write it.
#[derive(Debug, Clone)]
struct Written {
    name: String,
    reason: Option<Reason>,
    stood_in: Option<String>,
    thousandths: Option<u16>,
    seconds: Option<u32>,
    /// In which order its parameters stand, and how words are written.
    turn: usize,
    quotes: bool,
    is_last_of_line: bool,
}

impl Written {
    fn word(&self, text: &str) -> String {
        let mut letters = text.chars();
        let begins_a_token = letters.next().is_some_and(|it| it.is_ascii_alphabetic());
        let may_stand = |letter: char| letter.is_ascii_alphanumeric() || "-_.:/".contains(letter);
        if begins_a_token && letters.all(may_stand) && !self.quotes {
            return text.to_owned();
        }
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }

    fn text(&self) -> String {
        let mut parameters = Vec::new();
        if let Some(reason) = self.reason {
            parameters.push(format!("reason={}", self.word(reason.as_str())));
        }
        if let Some(stood_in) = &self.stood_in {
            parameters.push(format!("stood-in={}", self.word(stood_in)));
        }
        if let Some(thousandths) = self.thousandths {
            let weight = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
            parameters.push(format!("weight={weight}"));
        }
        if let Some(seconds) = self.seconds {
            parameters.push(format!("age={seconds}"));
        }
        // Of a later version.
        parameters.push("shard".to_owned());
        let turn = self.turn % parameters.len();
        parameters.rotate_left(turn);
        let mut text = self.word(&self.name);
        for parameter in parameters {
            let _ = write!(text, "; {parameter}");
        }
        text
    }

    fn meant(&self) -> Degradation {
        let weight = self.thousandths.unwrap_or(0).min(1_000);
        Degradation {
            dependency: self.name.clone(),
            reason: self.reason.unwrap_or(Reason::Error),
            stood_in: self.stood_in.clone().unwrap_or_default(),
            weight: f64::from(weight) / 1_000.0,
            age: self
                .seconds
                .map(|seconds| Duration::from_secs(seconds.into())),
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    let name = "[a-z][a-z0-9-]{0,9}|[ -~]{0,9}";
    let reason = prop::option::of(prop::sample::select(Reason::ALL.to_vec()));
    let rest = (any::<usize>(), any::<bool>(), any::<bool>());
    (
        name,
        reason,
        prop::option::of(name),
        prop::option::of(0..3_000_u16),
        prop::option::of(any::<u32>()),
        rest,
    )
        .prop_map(|(name, reason, stood_in, thousandths, seconds, rest)| {
            let (turn, quotes, is_last_of_line) = rest;
            Written {
                name,
                reason,
                stood_in,
                thousandths,
                seconds,
                turn,
                quotes,
                is_last_of_line,
            }
        })
}

proptest! {
    #[test]
    fn what_others_write_is_read_as_they_meant_it(members in prop::collection::vec(written(), 0..12)) {
        let mut headers = HeaderMap::new();
        let mut line: Vec<String> = Vec::new();
        for (index, member) in members.iter().enumerate() {
            line.push(member.text());
            if member.is_last_of_line || index + 1 == members.len() {
                let value = std::mem::take(&mut line).join(" ,  ");
                headers.append(HEADER, HeaderValue::from_str(&value).unwrap());
            }
        }
        let meant: Vec<Degradation> = members.iter().map(Written::meant).collect();
        prop_assert_eq!(parse(&headers), meant);
    }
}
