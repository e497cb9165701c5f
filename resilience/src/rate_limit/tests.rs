use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use proptest::prelude::*;
use tokio::time::advance;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::BoxError;
use crate::ledger::Reason;
use crate::rejection;
use crate::telemetry::{Telemetry, names};

fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn by_caller(maximum_keys: usize) -> RateLimiterBuilder {
    RateLimiter::builder("search")
        .quota(2, Duration::from_secs(1))
        .maximum_keys(maximum_keys)
        .key(|parts| {
            let caller = parts.headers.get("caller")?;
            caller.to_str().ok().map(str::to_owned)
        })
}

fn from(caller: Option<&str>) -> http::request::Parts {
    let mut request = Request::builder();
    if let Some(caller) = caller {
        request = request.header("caller", caller);
    }
    request.body(()).unwrap().into_parts().0
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_earned_evenly_and_kept_up_to_the_burst() {
    let limiter = RateLimiter::builder("search")
        .quota(10, Duration::from_secs(1))
        .burst(3)
        .build()
        .unwrap();
    let passes = || limiter.check(&from(None)).is_ok();
    assert!(passes() && passes() && passes());
    let refused = limiter.check(&from(None)).unwrap_err();
    assert_eq!(refused.retry_after(), millis(100));
    assert_eq!(refused.standing().remaining(), 0);
    advance(millis(99)).await;
    assert!(!passes());
    advance(millis(1)).await;
    assert!(passes() && !passes());
    advance(Duration::from_secs(3_600)).await;
    assert!(passes() && passes() && passes() && !passes());
}

#[tokio::test(start_paused = true)]
async fn a_jump_of_the_clock_earns_no_more_than_the_burst() {
    let limiter = by_caller(2).build().unwrap();
    let passes = |caller| limiter.check(&from(Some(caller))).is_ok();
    for _ in 0..3 {
        for caller in ["ana", "bob"] {
            assert!(passes(caller) && passes(caller) && !passes(caller));
        }
        advance(Duration::from_hours(24 * 365)).await;
    }
    assert!(passes("a new one"));
    // 584 years, where nanoseconds end: time has stood still long before.
    advance(Duration::from_nanos(u64::MAX)).await;
    assert!(passes("ana") && passes("ana") && !passes("ana"));
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_quota_of_its_own_and_no_key_is_not_limited() {
    let limiter = by_caller(100).build().unwrap();
    for caller in ["ana", "bob"] {
        let check = || limiter.check(&from(Some(caller)));
        assert!(check().is_ok() && check().is_ok() && check().is_err());
    }
    for _ in 0..10 {
        assert_eq!(limiter.check(&from(None)), Ok(None));
    }
}

#[tokio::test(start_paused = true)]
async fn made_up_keys_share_one_quota_and_known_callers_go_on() {
    let registry = prometheus::Registry::new();
    let telemetry = Telemetry::new(&registry).unwrap();
    let limiter = by_caller(3).telemetry(telemetry.clone()).build().unwrap();
    let passes = |caller: &str| limiter.check(&from(Some(caller))).is_ok();
    assert!(["ana", "bob", "cai"].into_iter().all(passes));
    let made_up = (0..1_000)
        .filter(|n| passes(&format!("made-up-{n}")))
        .count();
    assert_eq!(made_up, 2, "all of them together have one quota");
    assert!(passes("ana") && !passes("ana"));
    let keys = telemetry.gauge(&names::RATE_LIMIT_KEYS, &["search"]);
    assert_eq!(keys.value(), 3);

    // Whoever has a whole quota again gives its place away, and loses nothing by it.
    advance(Duration::from_secs(2)).await;
    assert!(passes("dora") && passes("dora") && !passes("dora"));
    assert_eq!(keys.value(), 1);
    assert!(passes("ana") && passes("ana") && !passes("ana"));
}

#[tokio::test(start_paused = true)]
async fn answers_say_where_the_caller_stands_and_refusals_are_rejections() {
    let limiter = RateLimiter::builder("search")
        .quota(30, Duration::from_secs(60))
        .burst(2)
        .build()
        .unwrap();
    let service = RateLimitLayer::new(limiter).layer(service_fn(async |_: Request<()>| {
        Ok::<_, BoxError>(Response::new(()))
    }));
    let call = || service.clone().oneshot(Request::new(()));
    let answer = call().await.unwrap();
    assert_eq!(answer.headers()["ratelimit-policy"], "\"search\";q=2;w=4");
    assert_eq!(answer.headers()["ratelimit"], "\"search\";r=1;t=2");
    call().await.unwrap();
    let error = call().await.unwrap_err();
    assert!(rejection::is_rejection(error.as_ref()));
    assert_eq!(rejection::reason(error.as_ref()), Reason::Limited);
    assert_eq!(
        error.to_string(),
        "rate limit `search` is used up: try again in 2.0s"
    );
}

#[test]
fn two_limiters_stand_side_by_side_in_the_headers() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let _runtime = runtime.as_ref().unwrap().enter();
    let mut headers = HeaderMap::new();
    for name in ["a minute", "an hour"] {
        let limiter = RateLimiter::builder(name).build().unwrap();
        let standing = limiter.check(&from(None)).unwrap().unwrap();
        standing.write_to(&mut headers);
    }
    assert_eq!(headers.get_all("ratelimit").iter().count(), 2);
}

#[test]
fn numbers_that_cannot_be_are_errors() {
    let with = RateLimiter::builder;
    let second = Duration::from_secs(1);
    for builder in [
        with("x").quota(0, second),
        with("x").quota(1, Duration::ZERO),
        with("x").quota(1, Duration::MAX),
        with("x").quota(u32::MAX, Duration::from_nanos(1)),
        with("x").quota(1, Duration::from_hours(24)).burst(u32::MAX),
        with("x").burst(0),
        with("x").maximum_keys(0),
        with(""),
        with("say \"x\""),
        with("línea"),
    ] {
        assert!(builder.build().is_err());
    }
}

/// The bucket as one would write it without a thought for its cost: in milliseconds, exactly.
#[derive(Default)]
struct NaiveBucket {
    whole_at: u64,
}

impl NaiveBucket {
    fn passes(&mut self, now: u64, interval: u64, burst: u64) -> bool {
        let owed = self.whole_at.saturating_sub(now);
        if owed > interval * (burst - 1) {
            return false;
        }
        self.whole_at = self.whole_at.max(now) + interval;
        true
    }
}

proptest! {
    #[test]
    fn keys_agree_with_naive_buckets(
        requests in 1_u32..20,
        burst in 1_u32..10,
        steps in prop::collection::vec((0_u64..300, 0_usize..6), 1..200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let interval = 50;
            let limiter = RateLimiter::builder("search")
                .quota(requests, millis(interval * u64::from(requests)))
                .burst(burst)
                .maximum_keys(6)
                .key(|parts| parts.headers.get("caller")?.to_str().ok().map(str::to_owned))
                .build()
                .unwrap();
            let mut buckets: BTreeMap<usize, NaiveBucket> = BTreeMap::new();
            let mut now = 0;
            for (wait, caller) in steps {
                advance(millis(wait)).await;
                now += wait;
                let bucket = buckets.entry(caller).or_default();
                let expected = bucket.passes(now, interval, burst.into());
                let found = limiter.check(&from(Some(&caller.to_string()))).is_ok();
                prop_assert_eq!(found, expected, "caller {} at {} ms", caller, now);
            }
            Ok(())
        })?;
    }
}
