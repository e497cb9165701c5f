use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use futures_util::FutureExt;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, advance};

use super::adaptive::{Adaptive, Ended, Sample};
use super::line::Line;
use super::*;
use crate::context::Priority;
use crate::telemetry::{Telemetry, names};

fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

// === The limit, against a simulated server ===

/// A server that works on `places` calls at once, each for about `time`; more wait in a line.
/// Up to `places` calls more at once mean more work done, beyond that only longer waits: that
/// is the knee.
struct Server {
    places: usize,
    time: Duration,
    chance: ChaCha8Rng,
}

/// What a client with more calls than the limit lets in sees of a server: the mean of its limit
/// over the time of the second half.
fn mean_limit(server: &mut Server, config: AdaptiveLimit, calls: usize, clients: usize) -> f64 {
    let begin = Instant::now();
    let mut limit = Adaptive::new(config, begin);
    let mut now = Duration::ZERO;
    // Those that are worked on, by their end, and those that wait; each with its beginning and
    // how many were under way then.
    let mut working: BinaryHeap<Reverse<(Duration, Duration, usize)>> = BinaryHeap::new();
    let mut waiting: VecDeque<(Duration, usize)> = VecDeque::new();
    let (mut sum, mut counted) = (0.0, Duration::ZERO);
    for ended in 0..calls {
        while working.len() + waiting.len() < limit.limit().min(clients) {
            waiting.push_back((now, working.len() + waiting.len() + 1));
        }
        while working.len() < server.places {
            let Some((began, in_flight)) = waiting.pop_front() else {
                break;
            };
            let takes = server.time.mul_f64(server.chance.random_range(0.8..1.2));
            working.push(Reverse((now + takes, began, in_flight)));
        }
        let Some(Reverse((end, began, in_flight))) = working.pop() else {
            panic!("nothing is worked on");
        };
        // It has been what it is since the call before.
        let time = end.saturating_sub(now);
        if ended >= calls / 2 {
            sum += limit.limit() as f64 * time.as_secs_f64();
            counted += time;
        }
        now = end;
        let sample = Sample {
            latency: end.saturating_sub(began),
            in_flight,
            ended: Ended::Well,
        };
        limit.record(sample, begin + now);
    }
    sum / counted.as_secs_f64()
}

fn server(places: usize, time: u64, seed: u64) -> Server {
    Server {
        places,
        time: millis(time),
        chance: ChaCha8Rng::seed_from_u64(seed),
    }
}

#[tokio::test(start_paused = true)]
async fn the_gradient_converges_on_the_knee_within_15_percent() {
    for (places, time) in [(10, 20), (20, 5), (40, 50), (100, 20), (200, 10)] {
        for seed in 0..5 {
            let mut server = server(places, time, seed);
            let found = mean_limit(&mut server, AdaptiveLimit::gradient(), 150_000, 10_000);
            let off = (found - places as f64).abs() / places as f64;
            assert!(off <= 0.15, "{found:.1} for {places} places of {time} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn aimd_saws_around_the_knee_within_15_percent() {
    for (places, time) in [(10, 20), (20, 5), (40, 50), (100, 20)] {
        for seed in 0..5 {
            let mut server = server(places, time, seed);
            let bound = AdaptiveLimit::aimd(millis(time).mul_f64(1.05));
            let found = mean_limit(&mut server, bound, 100_000, 10_000);
            let off = (found - places as f64).abs() / places as f64;
            assert!(off <= 0.15, "{found:.1} for {places} places of {time} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_not_used_does_not_grow() {
    for config in [AdaptiveLimit::gradient(), AdaptiveLimit::aimd(millis(100))] {
        // Three clients never come near the sixteen places of the beginning.
        let found = mean_limit(&mut server(50, 20, 1), config, 20_000, 3);
        assert!(found <= 16.0, "{found}");
    }
}

#[tokio::test(start_paused = true)]
async fn limits_stay_within_their_bounds_and_give_way_to_overload() {
    let config = AdaptiveLimit::aimd(millis(100)).bounds(2, 20);
    let begin = Instant::now();
    let mut limit = Adaptive::new(config, begin);
    let feed = |limit: &mut Adaptive, ended, from: u64| {
        for index in 0..2_000 {
            let sample = Sample {
                latency: millis(10),
                in_flight: 20,
                ended,
            };
            limit.record(sample, begin + millis(from + index * 20));
        }
        limit.limit()
    };
    assert_eq!(feed(&mut limit, Ended::Well, 0), 20);
    assert_eq!(feed(&mut limit, Ended::Overloaded, 40_000), 2);
}

#[test]
fn numbers_that_cannot_be_are_errors() {
    for config in [
        AdaptiveLimit::gradient().bounds(0, 5),
        AdaptiveLimit::gradient().bounds(5, 4),
        AdaptiveLimit::gradient().window(Duration::ZERO),
        AdaptiveLimit::gradient().remeasure_every(Duration::ZERO),
        AdaptiveLimit::aimd(Duration::ZERO),
    ] {
        assert!(config.check("bulkhead").is_err(), "{config:?}");
    }
    let queue = Queue::new(1, millis(1));
    for delay in [
        QueueDelay::new(Duration::ZERO, millis(5)),
        QueueDelay::new(millis(6), millis(5)),
    ] {
        assert!(queue.delay(delay).check("bulkhead").is_err());
    }
    assert!(
        AdaptiveLimit::gradient()
            .window(Duration::MAX)
            .check("x")
            .is_err()
    );
}

fn quick(in_flight: usize) -> Sample {
    Sample {
        latency: millis(10),
        in_flight,
        ended: Ended::Well,
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ends_one_window_and_one_that_goes_back_ends_none() {
    for config in [
        AdaptiveLimit::gradient().bounds(4, 100),
        AdaptiveLimit::aimd(millis(20)).bounds(4, 100),
    ] {
        let begin = Instant::now() + millis(1_000);
        let mut limit = Adaptive::new(config, begin);
        for days in 1..=20 {
            let now = begin + Duration::from_hours(24) * days;
            for _ in 0..10 {
                let early = begin.checked_sub(millis(1_000)).unwrap();
                limit.record(quick(100), early);
            }
            let before = limit.limit();
            limit.record(quick(100), now);
            let after = limit.limit();
            assert!((4..=100).contains(&after), "{after}");
            assert!(after >= before / 2, "{before} to {after}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_gradient_that_never_measures_anew_uses_its_whole_limit() {
    let config = AdaptiveLimit::gradient()
        .bounds(4, 100)
        .remeasure_every(Duration::MAX);
    let begin = Instant::now();
    let mut limit = Adaptive::new(config, begin);
    for call in 0..2_000 {
        limit.record(quick(100), begin + millis(20) * call);
    }
    assert_eq!(limit.limit(), 100);
}

/// Regression: nothing divided by nothing is no number, and a limit that is none stays so.
#[tokio::test(start_paused = true)]
async fn calls_that_take_no_time_raise_a_limit_and_are_no_measure() {
    let config = AdaptiveLimit::gradient().bounds(4, 100);
    let begin = Instant::now();
    let mut limit = Adaptive::new(config, begin);
    let mut now = begin;
    let mut feed = |latency, seconds: u32| {
        for _ in 0..seconds * 100 {
            now += millis(10);
            let sample = Sample {
                latency,
                ..quick(100)
            };
            limit.record(sample, now);
        }
        limit.limit()
    };
    assert_eq!(feed(Duration::ZERO, 10), 100);
    assert_eq!(feed(millis(10), 10), 100);
    // Long enough for measuring anew.
    assert_eq!(feed(Duration::ZERO, 100), 100);
    assert_eq!(feed(millis(10), 10), 100);
}

// === The line ===

#[tokio::test(start_paused = true)]
async fn what_matters_more_goes_first_and_takes_the_place_of_what_matters_less() {
    let mut line = Line::new(Queue::new(3, millis(100)).by_priority(true));
    let now = Instant::now();
    line.join(Priority::Sheddable, "prefetch 1", now).unwrap();
    line.join(Priority::Default, "home", now).unwrap();
    line.join(Priority::Sheddable, "prefetch 2", now).unwrap();
    let (_, displaced) = line.join(Priority::Critical, "playback", now).unwrap();
    assert_eq!(displaced, Some("prefetch 2"), "the last of the least");
    let refused = line.join(Priority::Sheddable, "prefetch 3", now);
    assert_eq!(refused.unwrap_err(), Refused::Full);
    let order: Vec<_> = std::iter::from_fn(|| line.call(now).next).collect();
    assert_eq!(order, ["playback", "home", "prefetch 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_has_stood_for_a_while_serves_the_newest_first() {
    let order = Order::AdaptiveLifo { after: millis(50) };
    let mut line = Line::new(Queue::new(10, millis(500)).order(order));
    let begin = Instant::now();
    for caller in 0..4 {
        let joined = line.join(Priority::Default, caller, begin + millis(caller));
        assert!(joined.is_ok());
    }
    assert_eq!(line.call(begin + millis(49)).next, Some(0));
    assert_eq!(line.call(begin + millis(50)).next, Some(3));
    assert_eq!(line.call(begin + millis(60)).next, Some(2));
    assert_eq!(line.call(begin + millis(70)).next, Some(1));
    // It was empty: the oldest is first again.
    for caller in 4..6 {
        let joined = line.join(Priority::Default, caller, begin + millis(80));
        assert!(joined.is_ok());
    }
    assert_eq!(line.call(begin + millis(90)).next, Some(4));
}

#[tokio::test(start_paused = true)]
async fn whoever_waited_too_long_is_turned_away_while_nobody_is_served_quickly() {
    let delay = QueueDelay::new(millis(10), millis(100));
    let mut line = Line::new(Queue::new(100, millis(500)).delay(delay));
    let begin = Instant::now();
    let at = |after| begin + millis(after);
    for caller in 0..30_u64 {
        line.join(Priority::Default, caller, at(caller)).unwrap();
    }
    // For the length of an interval everybody is served, however long they waited.
    assert_eq!(line.call(at(40)).next, Some(0));
    assert_eq!(line.call(at(139)).next, Some(1));
    // Then those who waited too long go.
    line.join(Priority::Default, 30, at(135)).unwrap();
    let called = line.call(at(140));
    assert_eq!(called.turned_away, (2..30).collect::<Vec<_>>());
    assert_eq!(called.next, Some(30));
}

proptest! {
    #[test]
    fn the_line_agrees_with_a_naive_list(
        length in 0_usize..6,
        by_priority: bool,
        steps in prop::collection::vec((0_u8..4, 0_usize..3), 0..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let now = Instant::now();
        let priorities = [Priority::Critical, Priority::Default, Priority::Sheddable];
        let mut line = Line::new(Queue::new(length, millis(1)).by_priority(by_priority));
        let mut naive: Vec<(Priority, usize)> = Vec::new();
        let mut tickets = Vec::new();
        for (caller, (step, which)) in steps.into_iter().enumerate() {
            match step {
                0 | 1 => {
                    let priority = if by_priority { priorities[which] } else { Priority::Default };
                    let found = line.join(priorities[which], caller, now);
                    let mut expected = Ok(None);
                    if naive.len() >= length {
                        // The last of those that matter least.
                        let least = naive.iter().map(|one| one.0).max();
                        expected = match least.filter(|least| *least > priority) {
                            None => Err(Refused::Full),
                            Some(least) => {
                                let last = naive.iter().rposition(|one| one.0 == least).unwrap();
                                Ok(Some(naive.remove(last).1))
                            }
                        };
                    }
                    if expected.is_ok() {
                        naive.push((priority, caller));
                    }
                    if let Ok((ticket, _)) = &found {
                        tickets.push((*ticket, caller));
                    }
                    prop_assert_eq!(found.map(|(_, displaced)| displaced), expected);
                }
                2 => {
                    let first = naive.iter().map(|one| one.0).min();
                    let first = first.and_then(|best| naive.iter().position(|one| one.0 == best));
                    let expected = first.map(|index| naive.remove(index).1);
                    prop_assert_eq!(line.call(now).next, expected);
                }
                _ if tickets.is_empty() => {}
                _ => {
                    let (ticket, caller) = tickets.remove(which.min(tickets.len() - 1));
                    let index = naive.iter().position(|one| one.1 == caller);
                    let expected = index.map(|index| naive.remove(index).1);
                    prop_assert_eq!(line.leave(ticket), expected);
                }
            }
            prop_assert_eq!(line.is_empty(), naive.is_empty());
        }
    }
}

// === The gate ===

fn gate(limit: usize, queue: Queue) -> std::sync::Arc<Gate> {
    let shown = Telemetry::default().gauge(&names::BULKHEAD_LIMIT, &["metadata"]);
    Gate::fixed(limit, queue, shown)
}

/// Regression of a pitfall: a place given to a caller that no longer waits is lost.
#[tokio::test(start_paused = true)]
async fn a_place_given_to_somebody_who_left_goes_on() {
    let gate = gate(1, Queue::new(3, millis(100)));
    let inside = gate.enter().unwrap();
    let mut waiting: Vec<_> = (0..3)
        .map(|_| gate.wait(Priority::Default).unwrap())
        .collect();
    let last = waiting.pop().unwrap();
    drop(inside);
    // The first was called and never looked.
    drop(waiting);
    let place = last.now_or_never().unwrap().unwrap();
    assert!(gate.enter().is_none());
    drop(place);
    assert!(gate.enter().is_some());
}

#[tokio::test(start_paused = true)]
async fn nobody_overtakes_the_line() {
    let gate = gate(2, Queue::new(2, millis(100)));
    let (first, _second) = (gate.enter().unwrap(), gate.enter().unwrap());
    let waiting = gate.wait(Priority::Default).unwrap();
    drop(first);
    assert!(gate.enter().is_none());
    assert!(waiting.now_or_never().unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_displaced_and_the_late_hear_of_it_at_once() {
    let delay = QueueDelay::new(millis(10), millis(20));
    let queue = Queue::new(1, millis(500)).by_priority(true).delay(delay);
    let gate = gate(1, queue);
    let inside = gate.enter().unwrap();
    let sheddable = gate.wait(Priority::Sheddable).unwrap();
    let critical = gate.wait(Priority::Critical).unwrap();
    assert_eq!(
        sheddable.now_or_never().unwrap().unwrap_err(),
        Refused::Full
    );
    assert!(gate.wait(Priority::Default).is_err());
    advance(millis(15)).await;
    drop(inside);
    let place = critical.now_or_never().unwrap().unwrap();
    let late = gate.wait(Priority::Default).unwrap();
    advance(millis(15)).await;
    drop(place);
    assert!(
        late.now_or_never().unwrap().is_ok(),
        "not late for long enough"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_threads_never_more_than_the_limit_are_inside() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let gate = gate(3, Queue::new(1_000, millis(100)));
    let inside = Arc::new(AtomicUsize::new(0));
    let callers = (0..200).map(|_| {
        let (gate, inside) = (Arc::clone(&gate), Arc::clone(&inside));
        tokio::spawn(async move {
            for _ in 0..20 {
                let place = match gate.enter() {
                    Some(place) => place,
                    None => gate.wait(Priority::Default).unwrap().await.unwrap(),
                };
                assert!(inside.fetch_add(1, Ordering::SeqCst) < 3);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(place);
            }
        })
    });
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(inside.load(Ordering::SeqCst), 0);
    let all: Vec<_> = (0..3).filter_map(|_| gate.enter()).collect();
    assert_eq!(all.len(), 3);
}
