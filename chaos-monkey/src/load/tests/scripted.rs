//! The rules of the generator and the device, in paused time.

use std::time::Duration;

use http::HeaderValue;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::support::{SEED, Scripted, answer, records, requests, simple_load, spec, world};
use crate::journal::{Cause, Journal, Record, RequestResult};
use crate::load::bindings::Rows;
use crate::load::device::{Device, PAUSE};
use crate::load::generator::{self, LoadControl, LoadOutcome};
use crate::load::transport::Outgoing;
use crate::load::world::World;
use crate::load::{LoadError, read_back};

const QUICK: Duration = Duration::from_millis(5);

fn row(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn get() -> Outgoing {
    Outgoing {
        method: http::Method::GET,
        path_and_query: "/".parse().unwrap(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
    }
}

fn device(transport: Scripted) -> Device<Scripted> {
    Device {
        transport,
        habits: crate::schema::Device::default(),
    }
}

// === the device ===

#[tokio::test(start_paused = true)]
async fn a_device_tries_again_on_another_replica_after_a_pause() {
    for cause in [Cause::Refused, Cause::Reset, Cause::Status(503)] {
        let reply = cause.clone();
        let transport = Scripted::new(2, move |_| match &reply {
            Cause::Status(status) => (QUICK, Ok(answer(*status, json!({})))),
            other => (QUICK, Err(other.clone())),
        });
        let seen = transport.seen.clone();
        let exchange = device(transport).ask(&get(), &[], SEED).await;
        assert_eq!(exchange.answer.unwrap_err(), cause);
        assert_eq!(exchange.attempts.len(), 3, "{cause:?}");
        assert!(
            exchange
                .attempts
                .iter()
                .all(|attempt| attempt.cause.as_ref() == Some(&cause))
        );
        let seen = seen.lock();
        assert!(
            seen.windows(2)
                .all(|pair| pair[0].replica != pair[1].replica)
        );
        assert!(
            seen.windows(2)
                .all(|pair| pair[1].at - pair[0].at == QUICK + PAUSE)
        );
        assert_eq!(exchange.ended - exchange.sent, QUICK * 3 + PAUSE * 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_replica_would_not_do_better_is_not_tried_again() {
    for status in [302, 400, 404, 429] {
        let transport = Scripted::new(2, move |_| (QUICK, Ok(answer(status, json!({})))));
        let exchange = device(transport).ask(&get(), &[], SEED).await;
        assert_eq!(exchange.answer.unwrap_err(), Cause::Status(status));
        assert_eq!(exchange.attempts.len(), 1);
    }
    let transport = Scripted::new(2, |_| (QUICK, Err(Cause::Malformed)));
    assert_eq!(
        device(transport)
            .ask(&get(), &[], SEED)
            .await
            .attempts
            .len(),
        1
    );
    let transport = Scripted::new(2, |_| (QUICK, Ok(answer(503, json!({})))));
    let exchange = device(transport).ask(&get(), &[503], SEED).await;
    assert!(
        exchange.answer.is_ok(),
        "an expected status is usable whatever it is"
    );
}

#[tokio::test(start_paused = true)]
async fn attempts_end_with_the_patience_of_the_user() {
    let transport = Scripted::new(2, |_| (Duration::from_mins(1), Err(Cause::Reset)));
    let exchange = device(transport).ask(&get(), &[], SEED).await;
    assert_eq!(exchange.answer.unwrap_err(), Cause::Timeout);
    // 1.2 s for the first attempt, the pause, and what is left of 2 s for the second.
    assert_eq!(exchange.attempts.len(), 2);
    let taken = (exchange.ended - exchange.sent).as_millis();
    assert!((2_000..=2_002).contains(&taken), "{taken} ms");
}

#[tokio::test(start_paused = true)]
async fn replicas_are_drawn_by_the_request_alone() {
    let transport = Scripted::new(2, |_| (QUICK, Ok(answer(200, json!({})))));
    let seen = transport.seen.clone();
    let device = device(transport);
    for draw in 0..200 {
        device.ask(&get(), &[], draw).await;
        device.ask(&get(), &[], draw).await;
    }
    let seen = seen.lock();
    assert!(
        seen.chunks(2)
            .all(|pair| pair[0].replica == pair[1].replica)
    );
    let first = seen.iter().filter(|seen| seen.replica == 0).count();
    assert!(
        (120..280).contains(&first),
        "{first} of 400 went to the first replica"
    );
}

// === the generator ===

async fn run_simple(
    transport: Scripted,
    load: Value,
    seconds: u64,
) -> (Vec<crate::journal::Entry>, LoadOutcome) {
    let world = world(transport, &spec(load, json!({})), Rows::default()).await;
    let (journal, mut receiver) = Journal::channel(100_000);
    journal.start_load();
    let duration = Duration::from_secs(seconds);
    let outcome = generator::run(&world, duration, &journal, &LoadControl::new()).await;
    (records(&mut receiver), outcome)
}

#[tokio::test(start_paused = true)]
async fn journeys_begin_at_their_times_whatever_the_system_does() {
    let quick = Scripted::new(2, |_| (QUICK, Ok(answer(200, json!({})))));
    let stuck = Scripted::new(2, |_| (Duration::from_mins(1), Err(Cause::Reset)));
    let (quick, outcome) = run_simple(quick, simple_load(100.0), 5).await;
    let (stuck, _) = run_simple(stuck, simple_load(100.0), 5).await;
    let mut quick = requests(&quick);
    let mut stuck = requests(&stuck);
    quick.sort_by_key(|(_, request)| request.id);
    stuck.sort_by_key(|(_, request)| request.id);
    assert_eq!(quick.len() as u64, outcome.due);
    assert_eq!(
        quick
            .iter()
            .map(|(_, request)| (request.id, request.intended))
            .collect::<Vec<_>>(),
        stuck
            .iter()
            .map(|(_, request)| (request.id, request.intended))
            .collect::<Vec<_>>(),
    );
    assert!(
        quick
            .iter()
            .all(|(_, request)| request.result == RequestResult::Full
                && request.harvest > 0.999
                && request.sent - request.intended <= 1_000)
    );
    assert!(quick.iter().all(|(at, request)| at - request.sent == 5_000));
    assert!(
        stuck
            .iter()
            .all(|(_, request)| request.result == RequestResult::Failed
                && request.cause == Some(Cause::Timeout)
                && request.harvest == 0.0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_generator_that_was_held_up_says_so() {
    let held_up = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let transport = Scripted::new(2, |_| (QUICK, Ok(answer(200, json!({})))));
    let world = world(
        transport,
        &spec(simple_load(100.0), json!({})),
        Rows::default(),
    )
    .await;
    let (journal, mut receiver) = Journal::channel(10_000);
    journal.start_load();
    let control = LoadControl::new();
    let load = generator::run(&world, Duration::from_secs(2), &journal, &control);
    let mut load = std::pin::pin!(load);
    // Nobody polls the generator while a second passes: the machine is too slow.
    let outcome = std::future::poll_fn(|context| {
        let polled = load.as_mut().poll(context);
        if polled.is_pending() && !held_up.swap(true, std::sync::atomic::Ordering::Relaxed) {
            let mut jump = std::pin::pin!(tokio::time::advance(Duration::from_secs(1)));
            let _ = jump.as_mut().poll(context);
        }
        polled
    })
    .await;
    let entries = records(&mut receiver);
    let late = requests(&entries)
        .iter()
        .filter(|(_, request)| request.sent - request.intended > 50_000)
        .count() as u64;
    assert_eq!(outcome.late, late);
    assert!(
        (60..140).contains(&late),
        "{late} requests of about 95 were late"
    );
    assert!(entries.iter().any(|entry| entry.record
        == Record::Generator {
            due: outcome.due,
            late: outcome.late,
            capped: 0
        }));
    let mut latencies = requests(&entries)
        .into_iter()
        .map(|(at, request)| at - request.intended);
    assert!(
        latencies.any(|latency| latency > 900_000),
        "latency counts from the intended start"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_generator_says_so() {
    let mut load = simple_load(100.0);
    load["maxInFlight"] = json!(10);
    let stuck = Scripted::new(2, |_| (Duration::from_mins(1), Err(Cause::Reset)));
    let (entries, outcome) = run_simple(stuck, load, 1).await;
    assert_eq!(requests(&entries).len(), 10);
    assert_eq!(outcome.due, 10 + outcome.capped);
    assert!(outcome.capped > 50);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_load_begins_nothing_more() {
    let transport = Scripted::new(1, |_| {
        (Duration::from_millis(300), Ok(answer(200, json!({}))))
    });
    let world = world(
        transport,
        &spec(simple_load(100.0), json!({})),
        Rows::default(),
    )
    .await;
    let (journal, mut receiver) = Journal::channel(10_000);
    journal.start_load();
    let control = LoadControl::new();
    let stopper = control.clone();
    let begin = Instant::now();
    let stop = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stopper.stop();
    };
    let (outcome, ()) = tokio::join!(
        generator::run(&world, Duration::from_mins(1), &journal, &control),
        stop
    );
    assert!(
        begin.elapsed() < Duration::from_millis(1_400),
        "{:?}",
        begin.elapsed()
    );
    let requests = requests(&records(&mut receiver));
    assert_eq!(requests.len() as u64, outcome.due);
    assert!(
        requests
            .iter()
            .all(|(_, request)| request.result == RequestResult::Full)
    );
}

// === journeys ===

fn watching() -> Value {
    json!({
        "target": "front",
        "rate": { "constant": 50.0 },
        "users": { "file": "users.jsonl", "setup": [{
            "name": "login",
            "request": { "method": "POST", "path": "/login",
                         "json": { "name": "${user.name}", "password": "${user.password}" } },
            "capture": { "token": { "json": "/token" } },
        }]},
        "datasets": { "title": { "file": "titles.jsonl", "zipf": 0.5 } },
        "journeys": { "watch": { "weight": 1.0, "steps": [
            {
                "name": "start",
                "request": { "method": "POST", "path": "/streams",
                             "headers": { "authorization": "Bearer ${token}" },
                             "json": { "title": "${title.id}" } },
                "capture": { "stream": { "json": "/stream/id" } },
            },
            {
                "name": "save",
                "request": { "method": "PUT", "path": "/positions/${title.id}?stream=${stream}",
                             "json": { "sequence": "${sequence}" } },
                "acknowledge": { "as": "positions", "key": "${user.name}/${title.id}",
                                 "value": "${sequence}" },
            },
        ]}},
    })
}

fn positions() -> Value {
    json!({ "positions": {
        "request": { "path": "/positions/${title.id}?user=${user.name}" },
        "value": { "json": "/sequence" },
        "within": "2s",
    }})
}

fn watching_rows() -> Rows {
    let users = (0..5).map(|i| row(json!({ "name": format!("u{i}"), "password": "secret" })));
    let titles = (1..4).map(|id| row(json!({ "id": id })));
    Rows {
        users: users.collect(),
        datasets: [("title".to_owned(), titles.collect())]
            .into_iter()
            .collect(),
    }
}

/// Logins and streams work; positions are up to the given function of path and body.
fn watching_system(
    positions: impl Fn(&str, &Value) -> (u16, Value) + Send + Sync + 'static,
) -> Scripted {
    Scripted::new(2, move |seen| {
        let reply = match seen.path.as_str() {
            "/login" => (200, json!({ "token": format!("of-{}", seen.body["name"]) })),
            "/streams" => (200, json!({ "stream": { "id": "a b" } })),
            path => positions(path, &seen.body),
        };
        (QUICK, Ok(answer(reply.0, reply.1)))
    })
}

#[tokio::test(start_paused = true)]
async fn a_journey_captures_and_goes_on_where_the_last_answer_arrived() {
    let transport = watching_system(|_, _| (200, json!({})));
    let seen = transport.seen.clone();
    let world = world(transport, &spec(watching(), positions()), watching_rows()).await;
    let logins = seen.lock().len();
    assert_eq!(logins, 5);
    let (journal, mut receiver) = Journal::channel(10_000);
    journal.start_load();
    let control = LoadControl::new();
    generator::run(&world, Duration::from_secs(2), &journal, &control).await;

    let requests = requests(&records(&mut receiver));
    let starts: Vec<_> = requests
        .iter()
        .filter(|(_, request)| request.step == "start")
        .collect();
    let saves: Vec<_> = requests
        .iter()
        .filter(|(_, request)| request.step == "save")
        .collect();
    assert_eq!(starts.len(), saves.len());
    for (save_at, save) in &saves {
        let (start_at, _) = starts
            .iter()
            .find(|(_, start)| start.id + 1 == save.id)
            .expect("one start per save");
        assert_eq!(save.intended, *start_at);
        assert!(save_at > start_at);
    }
    let seen = seen.lock();
    let save = seen
        .iter()
        .find(|seen| seen.path.starts_with("/positions/"))
        .unwrap();
    assert!(save.path.ends_with("?stream=a%20b"), "{}", save.path);
    assert!(save.body["sequence"].is_u64());
    let mut keys: Vec<_> = seen
        .iter()
        .filter_map(|seen| seen.idempotency_key.clone())
        .collect();
    let writes = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), writes, "each write has a key of its own");
}

#[tokio::test(start_paused = true)]
async fn one_key_is_kept_across_the_attempts_of_a_write() {
    let transport = Scripted::new(2, |seen| match seen.path.as_str() {
        "/login" => (QUICK, Ok(answer(200, json!({ "token": "t" })))),
        _ => (QUICK, Err(Cause::Reset)),
    });
    let seen = transport.seen.clone();
    let world = world(transport, &spec(watching(), positions()), watching_rows()).await;
    let (journal, mut receiver) = Journal::channel(10_000);
    journal.start_load();
    let control = LoadControl::new();
    generator::run(&world, Duration::from_secs(1), &journal, &control).await;
    let failed = requests(&records(&mut receiver));
    assert!(
        failed.iter().all(|(_, request)| request.step == "start"),
        "a failed step is the last"
    );
    let mut attempts_by_key = std::collections::BTreeMap::<_, usize>::new();
    for seen in seen.lock().iter().filter(|seen| seen.path == "/streams") {
        *attempts_by_key
            .entry(seen.idempotency_key.clone().unwrap())
            .or_default() += 1;
    }
    assert_eq!(attempts_by_key.len(), failed.len());
    assert!(attempts_by_key.values().all(|attempts| *attempts == 3));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_what_was_to_be_captured_is_malformed() {
    let transport = Scripted::new(2, |seen| {
        let body = if seen.path == "/login" {
            json!({ "token": "t" })
        } else {
            json!({})
        };
        (QUICK, Ok(answer(200, body)))
    });
    let world = world(transport, &spec(watching(), positions()), watching_rows()).await;
    let (journal, mut receiver) = Journal::channel(10_000);
    journal.start_load();
    generator::run(
        &world,
        Duration::from_secs(1),
        &journal,
        &LoadControl::new(),
    )
    .await;
    let requests = requests(&records(&mut receiver));
    assert!(!requests.is_empty());
    for (_, request) in requests {
        assert_eq!(request.cause, Some(Cause::Malformed));
        assert_eq!(request.attempts.len(), 1);
        assert_eq!(
            request.attempts[0].cause, None,
            "the attempt itself brought an answer"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_degraded_answer_keeps_its_header_and_harvest() {
    let header = "recommendations;reason=open;stood-in=popular;weight=0.3";
    let transport = Scripted::new(1, move |_| {
        let mut answer = answer(200, json!({}));
        answer
            .headers
            .insert("degradation", HeaderValue::from_static(header));
        (QUICK, Ok(answer))
    });
    let (entries, _) = run_simple(transport, simple_load(20.0), 1).await;
    let requests = requests(&entries);
    assert!(!requests.is_empty());
    for (_, request) in requests {
        assert_eq!(request.result, RequestResult::Degraded);
        assert_eq!(request.degradation, header);
        assert!((request.harvest - 0.7).abs() < 1e-9);
    }
}

// === sessions ===

#[tokio::test(start_paused = true)]
async fn a_busy_login_is_tried_again_and_a_refused_one_is_named() {
    let busy = Scripted::new(2, {
        let begin = Instant::now();
        move |seen| {
            let status = if seen.at < begin + Duration::from_secs(3) {
                503
            } else {
                200
            };
            (QUICK, Ok(answer(status, json!({ "token": "t" }))))
        }
    });
    let spec = spec(watching(), positions());
    assert!(
        World::open_on(busy, &spec, watching_rows(), SEED)
            .await
            .is_ok()
    );

    let forbidden = Scripted::new(2, |seen| {
        let status = if seen.body["name"] == "u3" { 401 } else { 200 };
        (QUICK, Ok(answer(status, json!({ "token": "t" }))))
    });
    let error = World::open_on(forbidden, &spec, watching_rows(), SEED)
        .await
        .err()
        .unwrap();
    let message = error.to_string();
    assert_eq!(
        message,
        "user 3 (counted from 0) cannot open a session: step `login` ended with status 401"
    );

    let down = Scripted::new(2, |_| (QUICK, Err(Cause::Refused)));
    let begin = Instant::now();
    let error = World::open_on(down, &spec, watching_rows(), SEED)
        .await
        .err()
        .unwrap();
    assert!(matches!(
        error,
        LoadError::SessionsLate {
            opened: 0,
            users: 5,
            ..
        }
    ));
    assert_eq!(begin.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn names_without_a_value_are_found_before_anything_is_sent() {
    let transport = || Scripted::new(1, |_| (QUICK, Err(Cause::Refused)));
    let mut unknown = watching();
    unknown["journeys"]["watch"]["steps"][0]["request"]["path"] = json!("/t/${titel.id}");
    let spec_of = |load| spec(load, positions());
    let error = World::open_on(transport(), &spec_of(unknown), watching_rows(), SEED).await;
    let message = error.err().unwrap().to_string();
    assert_eq!(
        message,
        "step `start` of journey `watch`: `${titel.id}` is not known here: use `${sequence}`, \
         `${user.FIELD}`, `${title.FIELD}`, `${token}`"
    );

    let mut early = watching();
    early["journeys"]["watch"]["steps"][0]["request"]["path"] = json!("/t/${stream}");
    let error = World::open_on(transport(), &spec_of(early), watching_rows(), SEED).await;
    assert!(
        matches!(error.err().unwrap(), LoadError::UnknownName { name, .. } if name == "stream")
    );

    let mut rows = watching_rows();
    rows.datasets["title"][1].remove("id");
    let error = World::open_on(transport(), &spec_of(watching()), rows, SEED).await;
    let error = error.err().unwrap();
    assert!(
        matches!(&error, LoadError::MissingField { row: 2, field, .. } if field == "id"),
        "{error}"
    );

    let error = World::open_on(
        transport(),
        &spec(watching(), json!({})),
        watching_rows(),
        SEED,
    )
    .await;
    assert!(matches!(
        error.err().unwrap(),
        LoadError::UnknownReadBack { .. }
    ));
}

// === reading back ===

#[tokio::test(start_paused = true)]
async fn a_missing_and_an_older_promise_are_found() {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use parking_lot::Mutex;

    let kept: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
    let transport = watching_system({
        let kept = Arc::clone(&kept);
        move |path, body| {
            if let Some(sequence) = body.get("sequence") {
                let title = path
                    .trim_start_matches("/positions/")
                    .split('?')
                    .next()
                    .unwrap();
                kept.lock().insert(title.to_owned(), sequence.clone());
                return (200, json!({}));
            }
            let user = path.split("user=").nth(1).unwrap();
            // One user's positions are gone, another's are old, a third one's arrive later.
            match user {
                "u0" => (404, json!({})),
                "u1" => (200, json!({ "sequence": 0 })),
                _ => (200, json!({ "sequence": 1_000_000 })),
            }
        }
    });
    let seen = transport.seen.clone();
    let world = world(transport, &spec(watching(), positions()), watching_rows()).await;
    let (journal, mut receiver) = Journal::channel(10_000);
    journal.start_load();
    generator::run(
        &world,
        Duration::from_secs(4),
        &journal,
        &LoadControl::new(),
    )
    .await;
    let promised = world.promises.lock().len();
    assert!(promised > 10, "{promised} promises");
    let highest = world
        .promises
        .lock()
        .values()
        .map(|promise| promise.value)
        .fold(0.0, f64::max);
    let last = requests(&records(&mut receiver)).len() as f64 / 2.0;
    assert!(
        (highest - last).abs() < f64::EPSILON,
        "the last promise per key counts"
    );
    assert_eq!(kept.lock().len(), 3);

    let begin = Instant::now();
    let before = seen.lock().len();
    read_back::run(&world, &journal).await;
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
    assert!(
        seen.lock().len() > before + promised,
        "what is missing is asked for again"
    );
    let Some(Record::ReadBack {
        name,
        checked,
        missing,
        missing_count,
    }) = records(&mut receiver).pop().map(|entry| entry.record)
    else {
        panic!("no record of the reading back");
    };
    assert_eq!((name.as_str(), checked as usize), ("positions", promised));
    let expected: Vec<String> = world
        .promises
        .lock()
        .keys()
        .map(|(_, key)| key.clone())
        .filter(|key| key.starts_with("u0/") || key.starts_with("u1/"))
        .collect();
    assert_eq!(missing, expected);
    assert_eq!(missing_count as usize, expected.len());
}

#[tokio::test(start_paused = true)]
async fn a_promise_that_arrives_late_is_kept() {
    let begin = Instant::now();
    let transport = watching_system(move |_, body| {
        let arrived = begin.elapsed() > Duration::from_secs(3);
        if body.get("sequence").is_some() || !arrived {
            return (200, json!({}));
        }
        (200, json!({ "sequence": "1000000" }))
    });
    let world = world(transport, &spec(watching(), positions()), watching_rows()).await;
    let (journal, mut receiver) = Journal::channel(10_000);
    journal.start_load();
    generator::run(
        &world,
        Duration::from_secs(2),
        &journal,
        &LoadControl::new(),
    )
    .await;
    records(&mut receiver);
    read_back::run(&world, &journal).await;
    let record = records(&mut receiver).pop().map(|entry| entry.record);
    assert!(
        matches!(&record, Some(Record::ReadBack { missing_count: 0, checked, .. }) if *checked > 0),
        "{record:?}"
    );
}
