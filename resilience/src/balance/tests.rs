//! The balancer as a whole: first its books with time handed in, then the service.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use proptest::prelude::*;
use tower::{Layer, ServiceExt, service_fn};

use super::health::micros;
use super::load::Micros;
use super::replicas::{Change, Ending, Replicas};
use super::*;
use crate::BoxError;
use crate::telemetry::{Event, Telemetry, names};
use crate::transport::{TransportError, TransportErrorKind};

const MILLISECOND: Micros = 1_000;
const SECOND: Micros = 1_000_000;

fn endpoints(count: usize) -> Endpoints {
    let list: Vec<String> = (0..count)
        .map(|index| format!("http://r{index}:80"))
        .collect();
    Endpoints::parse(&list.join(",")).unwrap()
}

fn replicas(count: usize, seed: u64) -> Replicas {
    Replicas::new(&endpoints(count), BalanceConfig::new(), seed)
}

/// Calls one after the other, `gap` apart; `answer` says how long the endpoint takes and how
/// it ends. Returns how many calls each endpoint got.
fn call_in_turn(
    replicas: &mut Replicas,
    from: Micros,
    calls: usize,
    gap: Micros,
    answer: impl Fn(&str) -> (Micros, Ending),
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut now = from;
    for _ in 0..calls {
        let (pick, endpoint) = replicas.pick(now, None).unwrap();
        let (latency, ending) = answer(endpoint.as_str());
        *counts.entry(endpoint.to_string()).or_default() += 1;
        replicas.finish(pick, ending, now + latency);
        now += gap.max(latency);
    }
    counts
}

fn count(counts: &BTreeMap<String, usize>, endpoint: &str) -> usize {
    counts.get(endpoint).copied().unwrap_or(0)
}

#[test]
fn endpoints_that_are_alike_get_alike() {
    for seed in 0..20 {
        let mut replicas = replicas(4, seed);
        let counts = call_in_turn(&mut replicas, 0, 4_000, MILLISECOND, |_| {
            (MILLISECOND / 2, Ending::Success)
        });
        assert!(
            counts.values().all(|calls| (800..1_200).contains(calls)),
            "{counts:?}"
        );
    }
}

#[test]
fn endpoints_that_stay_keep_their_record_and_calls_to_those_that_leave_end_well() {
    let config = BalanceConfig::new().consecutive_failures(1);
    let mut replicas = Replicas::new(&endpoints(2), config, 1);
    call_in_turn(
        &mut replicas,
        0,
        20,
        MILLISECOND,
        |endpoint| match endpoint {
            "r0:80" => (MILLISECOND, Ending::Failure),
            _ => (MILLISECOND, Ending::Success),
        },
    );
    assert_eq!(replicas.counts(), (1, 1));
    let (under_way, _) = replicas.pick(SECOND / 10, None).unwrap();
    let list = Endpoints::parse("http://r0:80,http://r7:80").unwrap();
    assert_eq!(replicas.replace(&list, SECOND / 10), []);
    assert_eq!(
        replicas.finish(under_way, Ending::Failure, SECOND / 5),
        None
    );
    let states = |replicas: &mut Replicas| {
        let status = replicas.status(SECOND / 5).into_iter();
        status
            .map(|it| (it.authority, it.state))
            .collect::<Vec<_>>()
    };
    let expected = [
        ("r0:80".to_owned(), EndpointState::Ejected),
        ("r7:80".to_owned(), EndpointState::Available),
    ];
    assert_eq!(states(&mut replicas), expected);
    let counts = call_in_turn(&mut replicas, SECOND / 5, 20, MILLISECOND, |_| {
        (MILLISECOND, Ending::Success)
    });
    assert_eq!(count(&counts, "r7:80"), 20);
    assert_eq!(replicas.replace(&Endpoints::default(), SECOND), []);
    assert_eq!(replicas.pick(SECOND, None), None);
}

#[test]
fn a_shorter_list_brings_back_whoever_is_ejected_beyond_its_share() {
    let config = BalanceConfig::new()
        .consecutive_failures(1)
        .maximum_ejected(0.5);
    let mut replicas = Replicas::new(&endpoints(8), config, 1);
    let mut ejected = Vec::new();
    let mut now = 0;
    while ejected.len() < 4 {
        now += 1;
        let (pick, _) = replicas.pick(now, None).unwrap();
        if let Some(Change::Ejected { endpoint, .. }) = replicas.finish(pick, Ending::Failure, now)
        {
            ejected.push(endpoint);
        }
    }
    let list = ejected.iter().map(|it| format!("http://{it}"));
    let list = Endpoints::parse(&list.collect::<Vec<_>>().join(",")).unwrap();
    let back: Vec<_> = ejected[..2]
        .iter()
        .map(|endpoint| Change::Returned {
            endpoint: endpoint.clone(),
        })
        .collect();
    assert_eq!(replicas.replace(&list, now), back);
    assert_eq!(replicas.counts(), (2, 2));
    assert_eq!(replicas.replace(&list, now), []);
}

#[test]
fn after_a_jump_of_the_clock_an_ejected_endpoint_is_probed_and_returns() {
    let config = || BalanceConfig::new().consecutive_failures(1);
    for later in [30 * 24 * 3_600 * SECOND, Micros::MAX / 2] {
        let mut replicas = Replicas::new(&endpoints(2), config(), 1);
        let r0_fails = |endpoint: &str| match endpoint {
            "r0:80" => (MILLISECOND, Ending::Failure),
            _ => (MILLISECOND, Ending::Success),
        };
        call_in_turn(&mut replicas, 0, 20, MILLISECOND, r0_fails);
        assert_eq!(replicas.counts(), (1, 1));
        let succeed = |_: &str| (MILLISECOND, Ending::Success);
        let counts = call_in_turn(&mut replicas, later, 20, SECOND, succeed);
        assert!(count(&counts, "r0:80") > 0, "{counts:?}");
        assert_eq!(replicas.counts(), (2, 0));
    }
    // The end of time itself, and a clock that goes back.
    let mut replicas = replicas(2, 1);
    for now in [Micros::MAX, 0, Micros::MAX, SECOND] {
        for ending in [Ending::Failure, Ending::Success] {
            let (pick, _) = replicas.pick(now, None).unwrap();
            replicas.finish(pick, ending, now);
            replicas.compare(now);
        }
    }
}

/// It fails a fifth of its calls and never three in a row.
fn now_and_then(calls: usize, endpoint: &str) -> Ending {
    if endpoint == "r2:80" && calls.is_multiple_of(5) {
        Ending::Failure
    } else {
        Ending::Success
    }
}

/// Every endpoint gets a call in turn, so that rates have a thousand calls each.
fn compared(config: BalanceConfig) -> Vec<Change> {
    let mut replicas = Replicas::new(&endpoints(5), config, 1);
    let mut changes = Vec::new();
    for calls in 0..20_000_usize {
        let now = calls as u64 * MILLISECOND;
        let (pick, endpoint) = replicas.pick(now, None).unwrap();
        let ending = now_and_then(calls, endpoint.as_str());
        changes.extend(replicas.compare(now));
        changes.extend(replicas.finish(pick, ending, now + 1));
    }
    changes
}

#[test]
fn who_fails_more_often_than_the_others_is_ejected() {
    let config = || {
        BalanceConfig::new()
            .consecutive_failures(None)
            .failure_penalty(Duration::from_nanos(1))
            .slow_start(Duration::ZERO)
    };
    let ejected = |changes: &[Change]| {
        let ejected = changes.iter().filter_map(|change| match change {
            Change::Ejected { endpoint, .. } => Some(endpoint.to_string()),
            Change::Returned { .. } => None,
        });
        ejected.collect::<Vec<_>>()
    };
    let changes = compared(config());
    assert!(!changes.is_empty());
    assert!(ejected(&changes).iter().all(|endpoint| endpoint == "r2:80"));
    assert!(compared(config().success_rate(None)).is_empty());
}

#[test]
fn when_too_few_are_left_ejections_are_ignored() {
    let config = || {
        BalanceConfig::new()
            .consecutive_failures(1)
            .maximum_ejected(1.0)
            .slow_start(Duration::ZERO)
    };
    let share_of_the_last = |config: BalanceConfig| {
        let mut replicas = Replicas::new(&endpoints(4), config, 1);
        let fails_but = |endpoint: &str| match endpoint {
            "r0:80" => (MILLISECOND, Ending::Success),
            _ => (MILLISECOND, Ending::Failure),
        };
        call_in_turn(&mut replicas, 0, 200, MILLISECOND, fails_but);
        let is_panic = replicas.is_panic();
        let counts = call_in_turn(&mut replicas, SECOND / 2, 300, MILLISECOND, |_| {
            (MILLISECOND, Ending::Neutral)
        });
        (is_panic, count(&counts, "r0:80"))
    };
    assert_eq!(share_of_the_last(config().panic_below(0.0)), (false, 300));
    let (is_panic, calls) = share_of_the_last(config());
    assert!(is_panic && calls < 250, "{calls}");
}

/// What happens to the endpoints of a property test.
#[derive(Debug, Clone, Copy)]
enum Step {
    Begin,
    /// One of the calls under way ends.
    End(usize, Ending),
    Pass(Micros),
    Compare,
}

fn step() -> impl Strategy<Value = Step> {
    let end = |ending| any::<usize>().prop_map(move |which| Step::End(which, ending));
    prop_oneof![
        4 => Just(Step::Begin),
        2 => end(Ending::Success),
        4 => end(Ending::Failure),
        1 => end(Ending::Neutral),
        1 => (0..3 * SECOND).prop_map(Step::Pass),
        1 => Just(Step::Compare),
    ]
}

/// The rule as one would write it for a list of names: whoever fails is ejected if there is room,
/// and back with the first success of a call that began after that.
struct Naive {
    size: u64,
    percent: u64,
    ejected: BTreeMap<String, (Micros, Micros)>,
}

impl Naive {
    fn most(&self) -> usize {
        (self.size * self.percent / 100).max(1) as usize
    }

    /// Whether the end of a call must eject its endpoint, or bring it back.
    fn expect(&self, endpoint: &str, ending: Ending, began: Micros, now: Micros) -> Expected {
        match (ending, self.ejected.get(endpoint)) {
            (Ending::Success, Some((since, _))) if began >= *since => Expected::Return,
            (Ending::Failure, Some((since, until))) if began >= *since && now >= *until => {
                Expected::Eject
            }
            (Ending::Failure, None) if self.ejected.len() < self.most() => Expected::Eject,
            _ => Expected::Nothing,
        }
    }

    fn follow(&mut self, change: &Change, now: Micros) -> Expected {
        match change {
            Change::Ejected {
                endpoint,
                for_micros,
            } => {
                let until = now.saturating_add(*for_micros);
                self.ejected.insert(endpoint.to_string(), (now, until));
                Expected::Eject
            }
            Change::Returned { endpoint } => {
                self.ejected.remove(endpoint.as_str());
                Expected::Return
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Nothing,
    Eject,
    Return,
}

proptest! {
    #[test]
    fn never_more_are_ejected_than_the_share_and_always_one_may_be(
        size in 1_usize..24,
        percent in 1_u64..=100,
        steps in prop::collection::vec(step(), 0..400),
    ) {
        let rates = SuccessRate::new()
            .interval(Duration::from_millis(1))
            .minimum_endpoints(2)
            .minimum_calls(1)
            .deviations(0.5);
        let config = BalanceConfig::new()
            .maximum_ejected(percent as f64 / 100.0)
            .consecutive_failures(1)
            .success_rate(rates)
            .slow_start(Duration::ZERO);
        let mut replicas = Replicas::new(&endpoints(size), config, 1);
        let mut naive = Naive { size: size as u64, percent, ejected: BTreeMap::new() };
        let mut under_way = Vec::new();
        let mut now = SECOND;
        for step in steps {
            now += 1;
            match step {
                Step::Begin => {
                    let (pick, endpoint) = replicas.pick(now, None).unwrap();
                    under_way.push((pick, endpoint.to_string(), now));
                }
                Step::End(which, ending) if !under_way.is_empty() => {
                    let (pick, endpoint, began) = under_way.swap_remove(which % under_way.len());
                    let expected = naive.expect(&endpoint, ending, began, now);
                    let change = replicas.finish(pick, ending, now);
                    let found = change.map_or(Expected::Nothing, |it| naive.follow(&it, now));
                    prop_assert_eq!(found, expected);
                }
                Step::End(..) => {}
                Step::Pass(micros) => now += micros,
                Step::Compare => {
                    let before = naive.ejected.len();
                    let changes = replicas.compare(now);
                    for change in &changes {
                        prop_assert_eq!(naive.follow(change, now), Expected::Eject);
                    }
                    // Nobody is ejected a second time for the share of its successes.
                    prop_assert_eq!(naive.ejected.len(), before + changes.len());
                }
            }
            prop_assert_eq!(replicas.counts().1, naive.ejected.len());
            prop_assert!(naive.ejected.len() <= naive.most());
        }
    }
}

#[test]
fn a_share_that_is_a_whole_number_is_not_cut_off() {
    for (size, percent) in [(100, 29), (50, 58), (100, 57)] {
        let config = BalanceConfig::new()
            .maximum_ejected(f64::from(percent) / 100.0)
            .panic_below(0.0)
            .consecutive_failures(1);
        let mut replicas = Replicas::new(&endpoints(size), config, 1);
        call_in_turn(&mut replicas, 0, 2 * size, 1, |_| (1, Ending::Failure));
        assert_eq!(replicas.counts().1, size * percent as usize / 100);
    }
}

#[test]
fn the_same_seed_chooses_the_same() {
    let choices = |seed| {
        let mut replicas = replicas(5, seed);
        let choose = |now| replicas.pick(now, None).unwrap().1.to_string();
        (0..50).map(choose).collect::<Vec<_>>()
    };
    assert_eq!(choices(7), choices(7));
    assert_ne!(choices(7), choices(8));
}

#[test]
fn calls_in_flight_are_spread() {
    let mut replicas = replicas(2, 1);
    let mut counts = BTreeMap::<String, usize>::new();
    for _ in 0..100 {
        let (_, endpoint) = replicas.pick(0, None).unwrap();
        *counts.entry(endpoint.to_string()).or_default() += 1;
    }
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [50, 50]);
}

#[test]
fn a_slow_endpoint_gets_less() {
    for seed in 0..20 {
        let mut replicas = replicas(2, seed);
        let counts = call_in_turn(&mut replicas, 0, 1_000, 10 * MILLISECOND, |endpoint| {
            let is_slow = endpoint == "r0:80";
            let latency = if is_slow { 80 } else { 4 };
            (latency * MILLISECOND, Ending::Success)
        });
        assert!(count(&counts, "r0:80") < 50, "{counts:?}");
    }
}

#[test]
fn an_endpoint_that_fails_fast_does_not_attract_calls() {
    for seed in 0..20 {
        let config = BalanceConfig::new().consecutive_failures(None);
        let mut replicas = Replicas::new(&endpoints(2), config, seed);
        let counts = call_in_turn(&mut replicas, 0, 1_000, 10 * MILLISECOND, |endpoint| {
            if endpoint == "r0:80" {
                (1, Ending::Failure)
            } else {
                (5 * MILLISECOND, Ending::Success)
            }
        });
        // Of ten seconds; without the penalty it would get nearly all of the calls.
        assert!(count(&counts, "r0:80") <= 5, "{counts:?}");
    }
}

#[test]
fn an_endpoint_that_never_answers_keeps_few_calls() {
    for seed in 0..20 {
        let mut replicas = replicas(2, seed);
        let mut hung = 0;
        for round in 0..100 {
            let now = round * 5 * MILLISECOND;
            let (pick, endpoint) = replicas.pick(now, None).unwrap();
            if endpoint == "r0:80" {
                hung += 1;
            } else {
                replicas.finish(pick, Ending::Success, now + 4 * MILLISECOND);
            }
        }
        assert!(hung <= 3, "{hung} of 100 calls hang (seed {seed})");
    }
}

#[test]
fn what_was_tried_is_skipped_until_all_were_tried() {
    for seed in 0..50 {
        let mut replicas = replicas(3, seed);
        let tried = Tried::new(true);
        for _ in 0..3 {
            let (_, endpoint) = replicas.pick(0, Some(&tried)).unwrap();
            assert!(!tried.contains(&endpoint));
            tried.push(endpoint);
        }
        let (_, again) = replicas.pick(0, Some(&tried)).unwrap();
        assert!(tried.contains(&again));
    }
}

#[test]
fn without_endpoints_there_is_nothing_to_pick() {
    assert!(replicas(0, 1).pick(0, None).is_none());
}

/// Lets `r0` fail until it is ejected; returns when that was.
fn eject_first(replicas: &mut Replicas) -> Micros {
    let mut now = 0;
    loop {
        now += SECOND;
        let (pick, endpoint) = replicas.pick(now, None).unwrap();
        let ending = if endpoint == "r0:80" {
            Ending::Failure
        } else {
            Ending::Success
        };
        if let Some(Change::Ejected { endpoint, .. }) = replicas.finish(pick, ending, now) {
            assert_eq!(endpoint, "r0:80");
            return now;
        }
        assert!(now < 1_000 * SECOND, "never ejected");
    }
}

#[test]
fn an_ejected_endpoint_gets_nothing_and_then_one_probe_from_a_repeatable_call() {
    for seed in 0..20 {
        let mut replicas = replicas(2, seed);
        let ejected_at = eject_first(&mut replicas);
        for step in 0..99 {
            let now = ejected_at + step * 10 * MILLISECOND;
            assert_eq!(replicas.pick(now, None).unwrap().1, "r1:80");
        }
        let due = ejected_at + SECOND;
        let fragile = Tried::new(false);
        assert_eq!(replicas.pick(due, Some(&fragile)).unwrap().1, "r1:80");
        let repeatable = Tried::new(true);
        let (probe, endpoint) = replicas.pick(due, Some(&repeatable)).unwrap();
        assert_eq!(endpoint, "r0:80");
        for _ in 0..20 {
            assert_eq!(replicas.pick(due, None).unwrap().1, "r1:80");
        }
        let returned = replicas.finish(probe, Ending::Success, due + MILLISECOND);
        assert!(
            matches!(returned, Some(Change::Returned { .. })),
            "{returned:?}"
        );
    }
}

#[test]
fn the_status_tells_for_how_long_an_endpoint_has_been_ejected() {
    let mut replicas = replicas(2, 3);
    let now = eject_first(&mut replicas);
    let status = replicas.status(now + 250 * MILLISECOND);
    let told: Vec<_> = status.iter().map(|it| it.ejected_for_ms).collect();
    assert_eq!(told, [Some(250), None]);
    assert_eq!(status[0].state, EndpointState::Ejected);
}

#[test]
fn an_ejected_endpoint_is_used_when_the_other_was_tried() {
    let mut replicas = replicas(2, 3);
    let now = eject_first(&mut replicas);
    let tried = Tried::new(true);
    tried.push("r1:80".parse().unwrap());
    assert_eq!(replicas.pick(now, Some(&tried)).unwrap().1, "r0:80");
}

#[test]
fn the_share_of_an_endpoint_that_came_back_grows() {
    let mut early = 0;
    let mut half_way = 0;
    let mut late = 0;
    for seed in 0..40 {
        let mut replicas = replicas(2, seed);
        let due = eject_first(&mut replicas) + SECOND;
        let (probe, _) = replicas.pick(due, None).unwrap();
        replicas.finish(probe, Ending::Success, due);
        // Both idle and alike: without a slow start each would get half.
        let share = |replicas: &mut Replicas, from| {
            let counts = call_in_turn(replicas, from, 50, 4 * MILLISECOND, |_| {
                (MILLISECOND / 2, Ending::Success)
            });
            count(&counts, "r0:80")
        };
        early += share(&mut replicas, due + 100 * MILLISECOND);
        half_way += share(&mut replicas, due + 1_400 * MILLISECOND);
        late += share(&mut replicas, due + 20 * SECOND);
    }
    let of = 40 * 50;
    assert!(early < of / 8, "{early} of {of} right after the return");
    assert!(
        (of * 2 / 10..of * 4 / 10).contains(&half_way),
        "{half_way} of {of} half way"
    );
    assert!(
        (of * 4 / 10..of * 6 / 10).contains(&late),
        "{late} of {of} later"
    );
}

proptest! {
    /// Whatever happens, a call finds an endpoint and enough of them stay in.
    #[test]
    fn at_most_half_but_always_one_can_be_ejected(
        count in 1..9_usize,
        seed: u64,
        steps in prop::collection::vec((0..4_u8, 0..2_000_u64), 1..400),
    ) {
        let mut replicas = replicas(count, seed);
        let mut now = 0;
        let mut in_flight = Vec::new();
        for (ending, passed) in steps {
            now += passed * MILLISECOND;
            in_flight.push(replicas.pick(now, None).unwrap().0);
            let ending = match ending {
                0 | 1 => Ending::Failure,
                2 => Ending::GivenUp,
                _ => Ending::Success,
            };
            if passed % 3 != 0 {
                let pick = in_flight.remove(passed as usize % in_flight.len());
                replicas.finish(pick, ending, now + MILLISECOND);
            }
            let (available, ejected) = replicas.counts();
            prop_assert_eq!(available + ejected, count);
            prop_assert!(ejected <= (count / 2).max(1), "{} of {}", ejected, count);
        }
    }
}

fn get() -> Request<()> {
    Request::builder().uri("/titles?page=2").body(()).unwrap()
}

#[tokio::test]
async fn the_request_goes_to_the_endpoint_with_path_and_query() {
    let layer = Balance::builder("metadata")
        .endpoints(endpoints(1))
        .build()
        .unwrap();
    let echo = service_fn(async |request: Request<()>| {
        Ok::<_, Infallible>(Response::new(request.uri().to_string()))
    });
    let answer = layer.layer(echo).oneshot(get()).await.unwrap();
    assert_eq!(answer.body(), "http://r0:80/titles?page=2");
}

#[tokio::test]
async fn no_endpoint_is_an_error_that_says_whose() {
    let layer = Balance::builder("metadata").build().unwrap();
    let never = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    let error = layer.layer(never).oneshot(get()).await.unwrap_err();
    assert_eq!(
        error.downcast_ref::<NoEndpoint>().unwrap().name(),
        "metadata"
    );
    assert_eq!(
        error.to_string(),
        "`metadata` has no endpoint to send the call to"
    );
}

/// `r0` does what `first` does, the others answer at once.
fn transport<F>(
    first: impl Fn() -> F + Clone,
) -> impl tower::Service<Request<()>, Response = Response<()>, Error = BoxError> + Clone
where
    F: Future<Output = Result<Response<()>, BoxError>>,
{
    service_fn(move |request: Request<()>| {
        let is_first = request.uri().host() == Some("r0");
        let first = first.clone();
        async move {
            if is_first {
                return first().await;
            }
            Ok(Response::new(()))
        }
    })
}

async fn refused() -> Result<Response<()>, BoxError> {
    Err(TransportError::new(TransportErrorKind::Refused, "r0:80", "refused").into())
}

#[tokio::test(start_paused = true)]
async fn ejection_and_return_are_events_and_metrics() {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let layer = Balance::builder("metadata")
        .endpoints(endpoints(2))
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let ejected = telemetry.gauge(&names::BALANCE_ENDPOINTS, &["metadata", "ejected"]);

    let failing = layer.layer(transport(refused));
    while ejected.value() == 0 {
        let _ = failing.clone().oneshot(get()).await;
        tokio::time::advance(Duration::from_millis(200)).await;
    }
    let endpoint = || "http://r0:80".to_owned();
    assert_eq!(
        events.try_recv().unwrap(),
        Event::EndpointEjected {
            client: "metadata".into(),
            endpoint: endpoint(),
            for_ms: 1_000
        }
    );
    assert_eq!(
        telemetry
            .counter(&names::BALANCE_EJECTIONS, &["metadata"])
            .value(),
        1
    );

    tokio::time::advance(Duration::from_secs(1)).await;
    let well = layer.layer(transport(async || Ok(Response::new(()))));
    well.oneshot(get()).await.unwrap();
    assert_eq!(
        events.try_recv().unwrap(),
        Event::EndpointReturned {
            client: "metadata".into(),
            endpoint: endpoint()
        }
    );
    assert_eq!(ejected.value(), 0);
}

/// Gives every call up after `patience`; returns how many endpoints are ejected afterwards.
async fn ejected_by_hanging(calls: usize, patience: Duration) -> i64 {
    let telemetry = Telemetry::default();
    let layer = Balance::builder("metadata")
        .endpoints(endpoints(2))
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let hanging = layer.layer(transport(std::future::pending));
    for _ in 0..calls {
        let _ = tokio::time::timeout(patience, hanging.clone().oneshot(get())).await;
        tokio::time::advance(Duration::from_millis(500)).await;
    }
    telemetry
        .gauge(&names::BALANCE_ENDPOINTS, &["metadata", "ejected"])
        .value()
}

#[tokio::test(start_paused = true)]
async fn calls_given_up_without_an_answer_eject_and_early_cancellations_do_not() {
    assert_eq!(ejected_by_hanging(60, Duration::from_millis(500)).await, 1);
    assert_eq!(ejected_by_hanging(60, Duration::from_millis(20)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_from_further_down_does_not_eject_the_messenger() {
    let telemetry = Telemetry::default();
    let layer = Balance::builder("metadata")
        .endpoints(endpoints(2))
        .telemetry(telemetry.clone())
        .build()
        .unwrap();
    let messenger = layer.layer(transport(async || {
        let answer = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
        Ok(answer.header("aplomb-no-retry", "1").body(()).unwrap())
    }));
    for _ in 0..200 {
        messenger.clone().oneshot(get()).await.unwrap();
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    let ejections = telemetry.counter(&names::BALANCE_EJECTIONS, &["metadata"]);
    assert_eq!(ejections.value(), 0);
}

#[test]
fn micros_of_an_absurd_duration_do_not_overflow() {
    assert_eq!(micros(Duration::MAX), Micros::MAX);
}
